// The kernels beside the products: each works on numbers that lie in the near caches, as in a training step.

#include <cmath>
#include <limits>

#include "bench.hpp"
#include "references.hpp"

namespace multicapa::bench {
namespace {

template <class T> double tolerance(double magnitude) {
  return 64 * static_cast<double>(std::numeric_limits<T>::epsilon()) * (1 + std::abs(magnitude));
}

template <class T> void expect_near(const std::string& what, T got, double expected) {
  expect_close(what, static_cast<double>(got), expected, tolerance<T>(expected));
}

Record per_number(const Measurement& time, Size count) {
  return {time, {{"ns/number", 1e9 * time.seconds / static_cast<double>(count)}}};
}

Record per_byte(const Measurement& time, Size bytes) {
  return {time, {{"GB/s", 1e-9 * static_cast<double>(bytes) / time.seconds}}};
}

// --- activations ---------------------------------------------------------------------------------------------------

template <class T> Record measure_activation(const ActivationKernel<T>& kernel, double seconds) {
  constexpr Size rows = 64, columns = 64;
  const Buffer<T> z = random_buffer<T>(rows * columns, 1, -8, 8);
  Buffer<T> a(rows * columns);
  const Matrix<const T> in{z.data(), rows, columns, columns};
  const Matrix<T> out{a.data(), rows, columns, columns};
  const T parameter = static_cast<T>(kernel.default_parameter);
  kernel.forward(in, out, parameter);
  for (Size r = 0; r < rows; ++r) {
    const T *z_row = z.data() + r * columns, *a_row = a.data() + r * columns;
    const std::vector<double> line(z_row, z_row + columns);
    const std::vector<double> expected = reference_activation(kernel.name, line, kernel.default_parameter);
    for (std::size_t i = 0; i < expected.size(); ++i)
      expect_near<T>(std::string(kernel.name) + "(" + std::to_string(line[i]) + ")", a_row[i], expected[i]);
  }
  return per_number(measure(seconds, [&] { kernel.forward(in, out, parameter); }), rows * columns);
}

template <class T> void add_activations(Cases& cases) {
  const KernelTable<T>& table = kernels<T>();
  for (int i = 0; i < table.activation_count; ++i) {
    const ActivationKernel<T>* kernel = &table.activations[i];
    cases.push_back({std::string("kernel/activation/") + kernel->name + "/" + type_name<T>(),
                     [=](double seconds) { return measure_activation(*kernel, seconds); }});
  }
}

// --- softmax with cross-entropy --------------------------------------------------------------------------------------

template <class T> const LossKernel<T>& softmax_cross_entropy() {
  const KernelTable<T>& table = kernels<T>();
  for (int i = 0; i < table.loss_count; ++i)
    if (table.losses[i].name == std::string("cross_entropy")) return table.losses[i];
  throw Mismatch("there is no loss \"cross_entropy\"");
}

// Rows of logits whose classes go round.
template <class T> class Classification {
 public:
  Classification(Size rows, Size classes)
      : rows_(rows),
        classes_(classes),
        z_(random_buffer<T>(rows * classes, 1, -4, 4)),
        target_(rows * classes),
        dy_(rows * classes),
        cost_(rows) {
    for (Size r = 0; r < rows; ++r) target_.data()[r * classes + r % classes] = 1;
  }

  void run() {
    kernel_.fused({{z_.data(), rows_, classes_, classes_},
                   {target_.data(), rows_, classes_, classes_},
                   nullptr,
                   1,
                   0,
                   {dy_.data(), rows_, classes_, classes_},
                   cost_.data()});
  }

  void check() const {
    for (Size r = 0; r < rows_; ++r) {
      const T* z = z_.data() + r * classes_;
      const std::vector<double> p = reference_activation("softmax", {z, z + classes_}, 0);
      expect_near<T>("a cost", cost_.data()[r], -std::log(p[static_cast<std::size_t>(r % classes_)]));
      for (Size c = 0; c < classes_; ++c)
        expect_near<T>("a slope", dy_.data()[r * classes_ + c], p[static_cast<std::size_t>(c)] - (c == r % classes_));
    }
  }

 private:
  const LossKernel<T>& kernel_ = softmax_cross_entropy<T>();
  const Size rows_, classes_;
  Buffer<T> z_, target_, dy_, cost_;
};

template <class T> void add_softmax_cross_entropy(Cases& cases) {
  constexpr Size rows = 128;
  for (const Size classes : {3, 10, 100})
    cases.push_back(
        {"kernel/softmax_cross_entropy/" + std::to_string(rows) + "x" + std::to_string(classes) + "/" + type_name<T>(),
         [=](double seconds) {
           Classification<T> work(rows, classes);
           work.run();
           work.check();
           return per_number(measure(seconds, [&] { work.run(); }), rows * classes);
         }});
}

// --- optimisers ----------------------------------------------------------------------------------------------------

template <class T> Record measure_update(const OptimizerKernel<T>& kernel, Size count, double seconds) {
  Buffer<T> weight = random_buffer<T>(count, 1);
  const Buffer<T> gradient = random_buffer<T>(count, 2);
  std::vector<Buffer<T>> slots;
  T* places[max_slots] = {};
  for (int i = 0; i < kernel.slots; ++i) {
    slots.emplace_back(count);
    places[i] = slots.back().data();
  }
  const std::vector<double> hyperparameters = usual_hyperparameters(kernel.name);
  double carried[4] = {};
  UpdateScalars<T> scalars;
  kernel.prepare(hyperparameters.data(), 1e-6, 1, carried, scalars);
  const Measurement time =
      measure(seconds, [&] { kernel.update(weight.data(), gradient.data(), places, count, scalars, false); });
  // The gradient is read; the weights and the slots are read and written.
  return per_byte(time, count * (3 + 2 * kernel.slots) * static_cast<Size>(sizeof(T)));
}

template <class T> void add_updates(Cases& cases) {
  const KernelTable<T>& table = kernels<T>();
  for (int i = 0; i < table.optimizer_count; ++i)
    for (const Size count : {Size{1} << 12, Size{1} << 22}) {  // in the near cache, and out of all of them
      const OptimizerKernel<T>* kernel = &table.optimizers[i];
      const std::string name = std::string("kernel/update/") + kernel->name + "/" + std::to_string(count);
      cases.push_back(
          {name + "/" + type_name<T>(), [=](double seconds) { return measure_update(*kernel, count, seconds); }});
    }
}

// --- moving rows ---------------------------------------------------------------------------------------------------

// Batches of rows picked at random from a data set that does not fit the near caches.
template <class T, class Source> Record measure_gather(double seconds) {
  constexpr Size count = 4096, batch = 128, columns = 784;
  constexpr Scalar scalar = sizeof(Source) == sizeof(float) ? Scalar::float32 : Scalar::float64;
  const Buffer<Source> data = random_buffer<Source>(count * columns, 1);
  std::vector<Size> order(count);
  Random random(2);
  for (Size& row : order) row = random.below(count);
  Buffer<T> rows(batch * columns);
  Size first = 0;
  const auto gather = [&] {
    kernels<T>().gather(data.data(), scalar, columns, order.data(), first, {rows.data(), batch, columns, columns});
    first = (first + batch) % count;
  };
  gather();
  for (Size r = 0; r < batch; ++r)
    for (const Size c : {Size{0}, columns - 1}) {
      const Source source = data.data()[order[static_cast<std::size_t>(r)] * columns + c];
      expect_close("a number gathered", static_cast<double>(rows.data()[r * columns + c]),
                   static_cast<double>(static_cast<T>(source)), 0);
    }
  return per_byte(measure(seconds, gather), batch * columns * static_cast<Size>(sizeof(T) + sizeof(Source)));
}

template <class T> Record measure_transpose(Size extent, double seconds) {
  const Buffer<T> x = random_buffer<T>(extent * extent, 1);
  Buffer<T> y(extent * extent);
  const auto transpose = [&] { kernels<T>().transpose({x.data(), extent, extent, extent}, y.data(), extent); };
  transpose();
  for (Size i = 0; i < extent; ++i)
    expect_close("a number transposed", static_cast<double>(y.data()[i]), static_cast<double>(x.data()[i * extent]), 0);
  return per_byte(measure(seconds, transpose), 2 * extent * extent * static_cast<Size>(sizeof(T)));
}

template <class T> void add_moves(Cases& cases) {
  const std::string type = type_name<T>();
  cases.push_back({"kernel/gather/128x784/float/" + type, measure_gather<T, float>});
  cases.push_back({"kernel/gather/128x784/double/" + type, measure_gather<T, double>});
  for (const Size extent : {64, 512})
    cases.push_back({"kernel/transpose/" + std::to_string(extent) + "x" + std::to_string(extent) + "/" + type,
                     [=](double seconds) { return measure_transpose<T>(extent, seconds); }});
}

// --- random numbers ------------------------------------------------------------------------------------------------

// Some thousand numbers; their mean should be `mean` and their mean square `square`, give or take six deviations.
template <class T, class Draw> Record measure_random(Draw draw, double mean, double square, double seconds) {
  constexpr Size count = 4096;
  Buffer<T> numbers(count);
  draw(numbers.data(), count);
  double sum = 0, squares = 0;
  for (Size i = 0; i < count; ++i) {
    const double x = static_cast<double>(numbers.data()[i]);
    sum += x, squares += x * x;
  }
  const double n = static_cast<double>(count);
  expect_close("the mean", sum / n, mean, 6 * std::sqrt((square - mean * mean) / n));
  expect_close("the mean square", squares / n, square, 6 * std::sqrt(3.0) * square / std::sqrt(n));
  return per_number(measure(seconds, [&] { draw(numbers.data(), count); }), count);
}

template <class T> Record measure_dropout_mask(double seconds) {
  const auto draw = [](T* out, Size count) { kernels<T>().dropout_mask(1, 2, 0, static_cast<T>(0.5), out, count); };
  return measure_random<T>(draw, 1, 2, seconds);
}

template <class T> Record measure_normal(double seconds) {
  return measure_random<T>([](T* out, Size count) { kernels<T>().normal(1, 2, 0, out, count); }, 0, 1, seconds);
}

template <class T> void add_random(Cases& cases) {
  cases.push_back({std::string("kernel/dropout_mask/") + type_name<T>(), measure_dropout_mask<T>});
  cases.push_back({std::string("kernel/normal/") + type_name<T>(), measure_normal<T>});
}

template <class T> void add_cases(Cases& cases) {
  add_activations<T>(cases);
  add_softmax_cross_entropy<T>(cases);
  add_updates<T>(cases);
  add_moves<T>(cases);
  add_random<T>(cases);
}

}  // namespace

void add_kernel_cases(Cases& cases) {
  add_cases<float>(cases);
  add_cases<double>(cases);
}

}  // namespace multicapa::bench
