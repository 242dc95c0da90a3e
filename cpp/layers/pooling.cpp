// The largest number, or the mean, of each channel of what a window sees; what lies beyond the borders is not seen.
// The first of equal maxima gets the gradient. Of sequences, a window over all steps sees those that each has.

#include "layers/ragged_pooling.hpp"
#include "layers/registry.hpp"
#include "layers/window.hpp"

namespace multicapa {
namespace {

enum class Pool { largest, mean };

template <class T> class Pooling final : public Layer<T> {
 public:
  Pooling(const Spec& spec, Pool pool, Size axes, const char* size)
      : pool_(pool), over_time_(axes == 1 && !size), window_(spec, axes, size) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    shape_ = window_.over(inputs.at(0));
    window_.forbid_empty_windows(shape_);
    LayerPlan plan;
    plan.output = window_.output(shape_);
    plan.work_per_row =
        static_cast<double>(elements(plan.output)) * static_cast<double>(shape_.vertical.taps * shape_.horizontal.taps);
    plan.backward_reads_input = plan.backward_reads_output = pool_ == Pool::largest;
    plan.either_arrangement = true;
    plan.stepwise = plan.looks_around = over_time_;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (call.lengths) return forward_steps(call);
    const MapKernels<T>& kernels = *call.kernels->maps;
    const WindowShape shape = as_rows(call);
    const auto forward = pool_ == Pool::largest ? kernels.max_pool_forward : kernels.average_pool_forward;
    forward(shape, as_rows(call, call.inputs[0]), as_rows(call, call.output));
  }

  void backward(const Call<T>& call) const override {
    if (!call.dx[0].data) return;
    if (call.lengths) return backward_steps(call);
    const MapKernels<T>& kernels = *call.kernels->maps;
    const WindowShape shape = as_rows(call);
    const Matrix<const T> dy = as_const(as_rows(call, call.dy));
    const Matrix<T> dx = as_rows(call, call.dx[0]);
    if (pool_ == Pool::mean) return kernels.average_pool_backward(shape, dy, dx);
    kernels.max_pool_backward(shape, as_rows(call, call.inputs[0]), as_const(as_rows(call, call.output)), dy, dx);
  }

 private:
  void forward_steps(const Call<T>& call) const {
    if (call.arrangement == Arrangement::samples_as_columns) {
      const RaggedPooling<T> pooling(call, shape_.channels);
      return pool_ == Pool::largest ? pooling.largest() : pooling.mean();
    }
    const MapKernels<T>& kernels = *call.kernels->maps;
    const auto forward = pool_ == Pool::largest ? kernels.max_pool_forward : kernels.average_pool_forward;
    for (Size r = 0; r < call.rows; ++r)
      if (call.lengths[r] > 0) forward(of_steps(call.lengths[r]), row(call.inputs[0], r), row(call.output, r));
      else std::fill_n(row(call.output, r).data, shape_.channels, T(0));
  }

  void backward_steps(const Call<T>& call) const {
    if (call.arrangement == Arrangement::samples_as_columns) {
      const RaggedPooling<T> pooling(call, shape_.channels);
      return pool_ == Pool::largest ? pooling.largest_backward() : pooling.mean_backward();
    }
    const MapKernels<T>& kernels = *call.kernels->maps;
    for (Size r = 0; r < call.rows; ++r) {
      if (call.lengths[r] == 0) continue;
      const WindowShape shape = of_steps(call.lengths[r]);
      const Matrix<const T> dy = as_const(row(call.dy, r));
      const Matrix<T> dx = row(call.dx[0], r);
      if (pool_ == Pool::mean) kernels.average_pool_backward(shape, dy, dx);
      else kernels.max_pool_backward(shape, row(call.inputs[0], r), as_const(row(call.output, r)), dy, dx);
    }
  }

  WindowShape of_steps(Size steps) const {
    WindowShape shape = shape_;
    shape.horizontal.in = shape.horizontal.taps = steps;
    return shape;
  }
  template <class Number> static Matrix<Number> row(Matrix<Number> m, Size r) {
    return {m.data + r * m.stride, 1, m.columns, m.stride};
  }

  // With samples as columns, the samples of a channel are channels of one large map.
  WindowShape as_rows(const Call<T>& call) const {
    WindowShape shape = shape_;
    if (call.arrangement == Arrangement::samples_as_columns) shape.channels *= call.output.columns;
    return shape;
  }
  template <class Number> static Matrix<Number> as_rows(const Call<T>& call, Matrix<Number> m) {
    if (call.arrangement == Arrangement::samples_as_rows) return m;
    return {m.data, 1, m.rows * m.columns, m.rows * m.columns};
  }

  const Pool pool_;
  const bool over_time_;
  const Window window_;
  WindowShape shape_{};
};

}  // namespace

#define MULTICAPA_POOLING(maker, pool, axes, size)                       \
  template <class T> std::unique_ptr<Layer<T>> maker(const Spec& spec) { \
    return std::make_unique<Pooling<T>>(spec, pool, axes, size);         \
  }                                                                      \
  template std::unique_ptr<Layer<float>> maker<float>(const Spec&);      \
  template std::unique_ptr<Layer<double>> maker<double>(const Spec&);
MULTICAPA_POOLING(make_max_pool1d, Pool::largest, 1, "pool_size")
MULTICAPA_POOLING(make_max_pool2d, Pool::largest, 2, "pool_size")
MULTICAPA_POOLING(make_average_pool1d, Pool::mean, 1, "pool_size")
MULTICAPA_POOLING(make_average_pool2d, Pool::mean, 2, "pool_size")
MULTICAPA_POOLING(make_global_max_pool1d, Pool::largest, 1, nullptr)
MULTICAPA_POOLING(make_global_max_pool2d, Pool::largest, 2, nullptr)
MULTICAPA_POOLING(make_global_average_pool1d, Pool::mean, 1, nullptr)
MULTICAPA_POOLING(make_global_average_pool2d, Pool::mean, 2, nullptr)
#undef MULTICAPA_POOLING

}  // namespace multicapa
