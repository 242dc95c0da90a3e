#include "bindings/stream.hpp"

namespace multicapa {
namespace {

template <class T> bool is_single(const Stream<T>& stream, const StepOf<T>& x) {
  return stream.samples() == 1 && x.ndim() == 1;
}

template <class T> void register_stream_of(py::module_& module, const char* name) {
  py::class_<Stream<T>>(module, name).def("reset", &Stream<T>::reset);
}

}  // namespace

template <class T> void check_step(const Stream<T>& stream, const KernelTable<T>& kernels, const StepOf<T>& x) {
  const Size features = stream.input_width(), samples = stream.samples();
  const bool fits = is_single(stream, x) || (x.ndim() == 2 && x.shape(0) == samples);
  if (!fits || x.size() != samples * features)
    throw InvalidArgument("a step of this stream should have shape (" + std::to_string(samples) + ", " +
                          std::to_string(features) + ")");
  if (const Size wrong = kernels.find_not_finite(x.data(), scalar_of<T>, x.size()); wrong >= 0)
    throw InvalidArgument("a step should be finite, but number " + std::to_string(wrong % features) + " of sample " +
                          std::to_string(wrong / features) + " is not");
}

template <class T> py::array_t<T> take_step(Stream<T>& stream, const StepOf<T>& x) {
  const auto samples = static_cast<py::ssize_t>(stream.samples());
  const auto width = static_cast<py::ssize_t>(stream.output_width());
  py::array_t<T> y = is_single(stream, x) ? py::array_t<T>(width) : py::array_t<T>({samples, width});
  stream.step(x.data(), y.mutable_data());
  return y;
}

void register_streams(py::module_& module) {
  register_stream_of<float>(module, "StreamFloat32");
  register_stream_of<double>(module, "StreamFloat64");
}

template void check_step<float>(const Stream<float>&, const KernelTable<float>&, const StepOf<float>&);
template void check_step<double>(const Stream<double>&, const KernelTable<double>&, const StepOf<double>&);
template py::array_t<float> take_step<float>(Stream<float>&, const StepOf<float>&);
template py::array_t<double> take_step<double>(Stream<double>&, const StepOf<double>&);

}  // namespace multicapa
