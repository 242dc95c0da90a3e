// Whole training steps: epochs of the nets of DESIGN.md's bar in float32, on one thread and on all.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/team.hpp"
#include "bench.hpp"
#include "nets.hpp"
#include "references.hpp"
#include "training/trainer.hpp"

namespace multicapa::bench {
namespace {

class ThreadLimit {
 public:
  explicit ThreadLimit(int threads) { set_max_threads(threads); }
  ThreadLimit(const ThreadLimit&) = delete;
  ~ThreadLimit() { set_max_threads(0); }
};

// A net with all that trains it.
template <class T> class Training {
 public:
  Training(const Net& net, const Data<T>& data)
      : net_(net),
        samples_(data.samples()),
        network_(specify(net)),
        trainer_(network_),
        optimizer_(network_.kernels(), net.optimizer, usual_hyperparameters(net.optimizer),
                   network_.parameter_count()) {
    initialize(network_, net.activation == "relu", 2);
    add_loss(*objective_, network_, net.loss);
    for (Size i = 0; i < samples_.count; ++i) order_.push_back(i);
  }

  Network<T>& network() { return network_; }
  Size steps() const { return (samples_.count + net_.batch - 1) / net_.batch; }

  void shuffle() {
    for (Size i = samples_.count; i > 1; --i)
      std::swap(order_[static_cast<std::size_t>(i - 1)], order_[static_cast<std::size_t>(random_.below(i))]);
  }

  // Returns the mean loss.
  double run_epoch() {
    const EpochResult result =
        trainer_.run(objective_, optimizer_, {samples_, order_.data(), samples_.count, net_.batch, 0, {net_.rate}, {}});
    if (result.diverged || result.steps != steps())
      throw Mismatch("stopped after " + std::to_string(result.steps) + " of " + std::to_string(steps()) + " steps");
    return result.loss;
  }

  double compute_gradient() { return trainer_.compute_gradient(objective_, samples_, 0, {}).loss; }

 private:
  const Net& net_;
  const Samples<T> samples_;
  Network<T> network_;
  Trainer<T> trainer_;
  Optimizer<T> optimizer_;
  const std::shared_ptr<Objective<T>> objective_ = std::make_shared<Objective<T>>();
  std::vector<Size> order_;
  Random random_{3};
};

// --- checks --------------------------------------------------------------------------------------------------------

// The same net with few units, so that finite differences cost nothing; the batch stays large enough to be cut.
// Convolutions stay as they are, of a few images.
Net shrunken(Net net) {
  if (!net.layers.empty()) {
    net.batch = 3;
    return net;
  }
  for (Size& size : net.sizes) size = std::min<Size>(size, 12);
  net.batch = std::min<Size>(net.batch, 2000);
  return net;
}

// dLoss/dw of one parameter by central differences.
double numeric_slope(Training<double>& training, double& weight) {
  constexpr double h = 1e-6;
  const double middle = weight;
  weight = middle + h;
  const double above = training.compute_gradient();
  weight = middle - h;
  const double below = training.compute_gradient();
  weight = middle;
  return (above - below) / (2 * h);
}

// At three places of every parameter of the shrunken net, in double.
void check_gradient(const Net& net) {
  const Net small = shrunken(net);
  const Data<double> data(small, small.batch);
  Training<double> training(small, data);
  training.compute_gradient();
  Network<double>& network = training.network();
  const double* begin = network.gradients().data();
  const std::vector<double> gradient(begin, begin + network.parameter_count());
  for (const Tensor& tensor : network.parameter_tensors())
    for (const Size i : {Size{0}, tensor.count / 2, tensor.count - 1}) {
      const double slope = numeric_slope(training, network.parameters().data()[tensor.offset + i]);
      expect_close("the gradient of " + tensor.name + "[" + std::to_string(i) + "]",
                   gradient[static_cast<std::size_t>(tensor.offset + i)], slope, 1e-7 * (1 + std::abs(slope)));
    }
}

// One epoch must end at the same bits however many threads share it.
void check_same_for_any_threads(const Net& net, const Data<float>& data, int threads) {
  Training<float> alone(net, data), together(net, data);
  {
    const ThreadLimit limit(1);
    alone.run_epoch();
  }
  const ThreadLimit limit(threads);
  together.run_epoch();
  const std::size_t bytes = static_cast<std::size_t>(alone.network().parameter_count()) * sizeof(float);
  if (std::memcmp(alone.network().parameters().data(), together.network().parameters().data(), bytes))
    throw Mismatch("parameters on " + std::to_string(threads) + " threads differ from those on one");
}

// --- time ----------------------------------------------------------------------------------------------------------

// Seconds of a step, from whole epochs; shuffling is the caller's business, so the clock does not see it.
Measurement measure_training(Training<float>& training, double seconds) {
  const double first = training.run_epoch();
  double last = first;
  const Measurement time = measure_samples(seconds, [&] {
    training.shuffle();
    return seconds_of([&] { last = training.run_epoch(); }) / static_cast<double>(training.steps());
  });
  if (!(last < first)) throw Mismatch("the loss went from " + std::to_string(first) + " to " + std::to_string(last));
  return time;
}

Record measure_net(const Net& net, int threads, double seconds) {
  const Size least_rows = flops_per_sample(net) > 2e7 ? 256 : 4096;
  const Data<float> data(net, (least_rows + net.batch - 1) / net.batch * net.batch);
  check_gradient(net);
  if (threads > 1) check_same_for_any_threads(net, data, threads);
  Training<float> training(net, data);
  const ThreadLimit limit(threads);
  const Measurement time = measure_training(training, seconds);
  const double rate = static_cast<double>(net.batch) / time.seconds;
  const double flops = rate * flops_per_sample(net);
  return {time, {{"ksamples/s", 1e-3 * rate}, {"GFLOP/s", 1e-9 * flops}}, threads, net.reference};
}

}  // namespace

void add_step_cases(Cases& cases, int threads) {
  for (const Net& net : nets()) {
    const auto add = [&](int count) {
      const std::string name = "training/" + net.name + "/" + net.activation + "/b" + std::to_string(net.batch) + "/" +
                               net.optimizer + "/" + std::to_string(count) + "t";
      cases.push_back({name, [&net, count](double seconds) { return measure_net(net, count, seconds); }});
    };
    add(1);
    if (threads > 1) add(threads);
  }
}

}  // namespace multicapa::bench
