#include "nets.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace multicapa::bench {
namespace {

// `count` layers of the same width between an input and an output.
std::vector<Size> tower(Size in, Size width, int count, Size out) {
  std::vector<Size> sizes(static_cast<std::size_t>(count) + 2, width);
  sizes.front() = in;
  sizes.back() = out;
  return sizes;
}

// A convolution or a pooling; axes is 1 for series, 2 for images.
Spec over_maps(const std::string& type, Size axes, const std::string& what, Size size) {
  Spec spec;
  spec.type = type + std::to_string(axes) + "d";
  if (axes == 1) spec.options[what] = size;
  else spec.options[what] = Shape{size, size};
  return spec;
}

Spec conv(Size filters, Size size, const std::string& padding = "valid", Size axes = 2) {
  Spec spec = over_maps("conv", axes, "kernel_size", size);
  spec.options["filters"] = filters;
  spec.options["padding"] = padding;
  spec.options["activation"] = std::string("relu");
  return spec;
}

Spec pool(Size axes = 2) { return over_maps("max_pool", axes, "pool_size", 2); }

Spec plain(const std::string& type) {
  Spec spec;
  spec.type = type;
  return spec;
}

Spec dense(Size units, const std::string& activation) {
  Spec spec = plain("dense");
  spec.options["units"] = units;
  spec.options["activation"] = activation;
  return spec;
}

// Trained by Adam, to tell classes.
Net images(const std::string& name, const Shape& shape, std::vector<Spec> layers, Size classes, Size batch,
           double multiplications, double first) {
  layers.push_back(dense(classes, "softmax"));
  return {name,   {elements(shape), classes},     "relu", "softmax", "cross_entropy", batch, "adam", 1e-3, 0, shape,
          layers, 6 * multiplications - 2 * first};
}

std::vector<Net> convolutional() {
  const double lenet = 24 * 24 * 6 * 25, digits = 8 * 8 * 16 * 9, colours = 32 * 32 * 32 * 27, series = 124 * 32 * 45;
  return {
      images("lenet5", {28, 28, 1},
             {conv(6, 5), pool(), conv(16, 5), pool(), plain("flatten"), dense(120, "relu"), dense(84, "relu")}, 10,
             128, lenet + 8 * 8 * 16 * 150 + 256 * 120 + 120 * 84 + 84 * 10, lenet),
      images("8x8x1", {8, 8, 1}, {conv(16, 3, "same"), pool(), conv(32, 3, "same"), pool(), plain("flatten")}, 10, 32,
             digits + 4 * 4 * 32 * 144 + 128 * 10, digits),
      images("32x32x3", {32, 32, 3},
             {conv(32, 3, "same"), conv(32, 3, "same"), pool(), conv(64, 3, "same"), conv(64, 3, "same"), pool(),
              plain("flatten"), dense(128, "relu")},
             10, 64, colours + 1024 * 32 * 288 + 256 * 64 * 288 + 256 * 64 * 576 + 4096 * 128 + 128 * 10, colours),
      images("128x9", {128, 9},
             {conv(32, 5, "valid", 1), pool(1), conv(64, 5, "valid", 1), plain("global_average_pool1d")}, 6, 64,
             series + 58 * 64 * 160 + 64 * 6, series),
  };
}

// What the targets are: one class of several, one of two for each output, or else numbers.
bool is_classifier(const Net& net) { return net.output == "softmax"; }
bool is_binary(const Net& net) { return net.output == "sigmoid"; }

}  // namespace

// The prototype's sixteen layers, its full batch and its tower of 300 had relu where these have tanh.
const std::vector<Net>& nets() {
  static const std::vector<Net> list = [] {
    std::vector<Net> nets = {
        {"4-16-3", {4, 16, 3}, "tanh", "softmax", "cross_entropy", 16, "sgd", 0.1, 17960},
        {"64-100-10", {64, 100, 10}, "relu", "softmax", "cross_entropy", 200, "adam", 1e-3, 3825},
        {"32-64-64-1", {32, 64, 64, 1}, "relu", "linear", "half_squared_error", 256, "adam", 1e-3, 4008},
        {"784-256-128-10", {784, 256, 128, 10}, "relu", "softmax", "cross_entropy", 128, "adam", 1e-3, 157},
        {"1024x4", tower(1024, 1024, 3, 1024), "relu", "linear", "squared_error", 512, "sgd", 0.1, 8.4},
        {"64x16", tower(64, 64, 15, 64), "tanh", "linear", "squared_error", 64, "momentum", 0.05, 361},
        {"10-32-1", {10, 32, 1}, "sigmoid", "linear", "half_squared_error", 1, "sgd", 0.1, 2963},
        {"256-512-512-10", {256, 512, 512, 10}, "relu", "softmax", "cross_entropy", 32, "adam", 1e-3, 49},
        {"4-32-16-4", {4, 32, 16, 4}, "tanh", "linear", "half_squared_error", 10000, "adam", 1e-3, 15479},
        {"28-300x5-1", tower(28, 300, 5, 1), "tanh", "sigmoid", "binary_cross_entropy", 100, "adam", 1e-4, 68},
        {"10-46-46-10", {10, 46, 46, 10}, "relu", "softmax", "cross_entropy", 128, "adam", 1e-3, 4481},
    };
    for (Net& net : convolutional()) nets.push_back(std::move(net));
    return nets;
  }();
  return list;
}

double flops_per_sample(const Net& net) {
  if (!net.layers.empty()) return net.flops;
  double flops = 0;
  for (std::size_t i = 1; i < net.sizes.size(); ++i)
    flops += (i == 1 ? 4.0 : 6.0) * static_cast<double>(net.sizes[i - 1] * net.sizes[i]);
  return flops;
}

std::vector<Spec> specify(const Net& net) {
  std::vector<Spec> specs(1);
  specs.front().type = specs.front().name = "input";
  specs.front().options["shape"] = net.shape.empty() ? Shape{net.sizes.front()} : net.shape;
  for (Spec layer : net.layers) {
    layer.name = layer.type + "_" + std::to_string(specs.size());
    layer.inputs = {specs.back().name};
    specs.push_back(layer);
  }
  if (!net.layers.empty()) return specs;
  for (std::size_t i = 1; i < net.sizes.size(); ++i) {
    Spec layer = dense(net.sizes[i], i + 1 == net.sizes.size() ? net.output : net.activation);
    layer.name = "dense_" + std::to_string(i);
    layer.inputs = {specs.back().name};
    specs.push_back(layer);
  }
  return specs;
}

template <class T> void initialize(Network<T>& network, bool rectified, std::uint64_t seed) {
  Random random(seed);
  for (const Tensor& tensor : network.parameter_tensors()) {
    if (!tensor.penalized) continue;  // biases stay zero
    const double limit = std::sqrt(6.0 / static_cast<double>(tensor.fan_in + (rectified ? 0 : tensor.fan_out)));
    T* weights = network.parameters().data() + tensor.offset;
    for (Size i = 0; i < tensor.count; ++i) weights[i] = static_cast<T>(random.uniform(-limit, limit));
  }
}

template <class T>
Data<T>::Data(const Net& net, Size rows)
    : rows_(rows), in_(net.sizes.front()), out_(net.sizes.back()), x_(static_cast<std::size_t>(rows * in_)) {
  constexpr double unit_variance = 1.7320508075688772;
  Random random(1);
  for (T& number : x_) number = static_cast<T>(random.uniform(-unit_variance, unit_variance));
  for (Size row = 0; row < rows; ++row) draw_targets(net, row, random);
}

template <class T> void Data<T>::draw_targets(const Net& net, Size row, Random& random) {
  const T* x = x_.data() + row * in_;
  std::vector<double> signal;
  for (Size o = 0; o < out_; ++o)
    signal.push_back(static_cast<double>(x[3 * o % in_]) - static_cast<double>(x[(7 * o + 1) % in_]));
  const bool wrong = random.uniform(0, 1) < 0.1;
  if (is_classifier(net)) {
    const Size best = std::max_element(signal.begin(), signal.end()) - signal.begin();
    classes_.push_back(wrong ? random.below(out_) : best);
  } else {
    for (const double s : signal)
      targets_.push_back(static_cast<T>(is_binary(net) ? (s > 0) != wrong : std::tanh(s) + random.uniform(-0.1, 0.1)));
  }
}

template <class T> Samples<T> Data<T>::samples() const {
  constexpr Scalar scalar = sizeof(T) == sizeof(float) ? Scalar::float32 : Scalar::float64;
  Samples<T> samples;
  samples.count = rows_;
  samples.x = {x_.data(), scalar, in_};
  if (classes_.empty()) samples.targets = {targets_.data(), scalar, out_};
  else samples.classes = classes_.data();
  return samples;
}

template class Data<float>;
template class Data<double>;
template void initialize<float>(Network<float>&, bool, std::uint64_t);
template void initialize<double>(Network<double>&, bool, std::uint64_t);

}  // namespace multicapa::bench
