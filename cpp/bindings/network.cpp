// The class that Python holds: one network with its trainer, in float32 or float64.

#include <numeric>
#include <optional>

#include "bindings/convert.hpp"
#include "bindings/ending.hpp"
#include "bindings/functions.hpp"
#include "bindings/objective.hpp"
#include "bindings/register.hpp"
#include "bindings/stream.hpp"
#include "bindings/turn.hpp"
#include "bindings/watch.hpp"
#include "training/inference.hpp"
#include "training/trainer.hpp"

namespace multicapa {
namespace {

// What a fit or an evaluation is given. The arrays stay referenced while the core reads them.
struct Given {
  py::array x, targets;
  double on, off;
  py::object weights, lengths;
};

void check_order(const Size* order, Size count, Size samples) {
  if (count < 1) throw InvalidArgument("order names no samples");
  for (Size i = 0; i < count; ++i)
    if (order[i] < 0 || order[i] >= samples)
      throw InvalidArgument("order names sample " + std::to_string(order[i]) + " of " + std::to_string(samples));
}

template <class T> class PyNetwork {
 public:
  PyNetwork(const py::list& layers, std::uint64_t seed, Size most_numbers)
      : network_(std::make_shared<Network<T>>(to_specs(layers), most_numbers)),
        trainer_(*network_),
        inference_(std::make_unique<Inference<T>>(*network_)) {
    network_->seed = seed;
  }

  PyObjective<T> objective(const ObjectiveOptions& options) const {
    return {std::make_shared<Objective<T>>(to_objective(*network_, options)), network_.get()};
  }
  PyObjective<T> objective_with(const ObjectiveOptions& options, py::handle value, py::handle derivative) const {
    auto objective = std::make_shared<Objective<T>>(to_objective(*network_, options));
    objective->fused = false;
    objective->custom_loss = to_loss<T>(value, derivative);
    return {std::move(objective), network_.get()};
  }

  std::unique_ptr<Optimizer<T>> optimizer(const std::string& name, const std::vector<double>& hyperparameters) const {
    return std::make_unique<Optimizer<T>>(network_->kernels(), name, hyperparameters, network_->parameter_count());
  }

  py::tuple train_epoch(const PyObjective<T>& objective, Optimizer<T>& optimizer, const Given& given,
                        const py::object& order, Size batch_size, const std::vector<double>& rates,
                        const py::object& progress, Size bptt) {
    check(objective);
    if (optimizer.parameter_count() != network_->parameter_count())
      throw InvalidArgument("the optimizer was made for another network");
    Epoch<T> epoch;
    epoch.samples = to_samples(given);
    epoch.count = epoch.samples.count;
    if (!order.is_none()) {
      epoch.count = static_cast<Size>(py::len(order));
      epoch.order = to_vector<Size>(order, epoch.count, "order");
      check_order(epoch.order, epoch.count, epoch.samples.count);
    }
    if (batch_size < 1) throw InvalidArgument("batch_size should be at least 1, not " + std::to_string(batch_size));
    epoch.batch_size = batch_size;
    epoch.rates = rates;
    epoch.bptt = bptt;
    const Size steps = (epoch.count - 1) / batch_size + 1;
    if (rates.size() != 1 && static_cast<Size>(rates.size()) != steps)
      throw InvalidArgument("expected 1 or " + std::to_string(steps) + " learning rates, not " +
                            std::to_string(rates.size()));
    Watch watch(progress);
    epoch.look = watch.look();
    const EpochResult result =
        in_turn(Work::writes, watch, [&] { return trainer_.run(objective.core, optimizer, epoch); });
    return py::make_tuple(result.loss, result.penalty, result.steps, result.diverged);
  }

  py::tuple loss_and_gradient(const PyObjective<T>& objective, const Given& given, Size bptt) {
    check(objective);
    const Samples<T> samples = to_samples(given);
    Watch watch{py::none()};
    const EpochResult result = in_turn(
        Work::writes, watch, [&] { return trainer_.compute_gradient(objective.core, samples, bptt, watch.look()); });
    return py::make_tuple(result.loss, result.penalty);
  }

  // loss_and_gradient, and with it the outputs and deltas of all nodes: the cost with penalties, a pair by name, and
  // what layers that walk through time keep of each step.
  py::tuple probe(const PyObjective<T>& objective, const Given& given) {
    check(objective);
    const Samples<T> samples = to_samples(given);
    py::dict entries, steps;
    const auto copy = [&](const Step<T>& step) {
      const WithGil gil;
      for (Size n = 1; n < static_cast<Size>(network_->nodes().size()); ++n) {
        const auto [values, deltas] = step.last_batch(n);
        const py::str name(network_->nodes()[static_cast<std::size_t>(n)].name);
        entries[name] = py::make_tuple(to_array(as_const(values)),
                                       deltas.data ? py::object(to_array(as_const(deltas))) : py::none());
        if (const Matrix<const T> kept = step.step_deltas(n); kept.data) steps[name] = to_array(kept);
      }
    };
    Watch watch{py::none()};
    const EpochResult result =
        in_turn(Work::writes, watch, [&] { return trainer_.probe(objective.core, samples, copy); });
    return py::make_tuple(result.loss, entries, steps);
  }

  py::array_t<T> predict(const py::array& x, const py::object& lengths) {
    const Rows rows = to_rows(x, network_->input_width(), "X");
    const Size count = x.shape(0);
    const Size* const steps = to_lengths(lengths, count);
    py::array_t<T> y = new_outputs(count);
    T* out = y.mutable_data();
    Watch watch{py::none()};
    if (count > 0)
      in_turn(Work::reads, watch, [&] { return inference_->predict(rows, steps, count, out, watch.look()); });
    return y;
  }

  // The mean cost without penalty, and the outputs when they are wanted.
  py::tuple evaluate(const PyObjective<T>& objective, const Given& given, bool want_outputs) {
    check(objective);
    const Samples<T> samples = to_samples(given);
    py::object outputs = py::none();
    T* out = nullptr;
    if (want_outputs) {
      py::array_t<T> y = new_outputs(samples.count);
      out = y.mutable_data();
      outputs = y;
    }
    double cost = 0;
    Watch watch{py::none()};
    in_turn(Work::reads, watch,
            [&] { return inference_->evaluate(samples, *objective.core, out, cost, watch.look()); });
    return py::make_tuple(cost / costs_of(samples), outputs);
  }

  void freeze(const std::string& layer, bool frozen) {
    const Turn turn(*this, Work::writes);
    network_->freeze(layer, frozen);
  }

  py::list describe_nodes() const {
    py::list list;
    for (const Node<T>& node : network_->nodes()) {
      py::dict entry;
      entry["name"] = node.name;
      entry["type"] = node.type;
      entry["shape"] = py::tuple(py::cast(node.plan.output));
      entry["sequence"] = node.sequence;
      entry["in_time"] = node.in_time;
      entry["steps"] = node.steps;
      py::list inputs;
      for (const Size input : node.inputs) inputs.append(network_->nodes()[static_cast<std::size_t>(input)].name);
      entry["inputs"] = inputs;
      list.append(entry);
    }
    return list;
  }

  static py::list describe(const std::vector<Tensor>& tensors) {
    py::list list;
    for (const Tensor& tensor : tensors) {
      py::dict entry;
      entry["name"] = tensor.name;
      entry["shape"] = py::tuple(py::cast(tensor.shape));
      entry["offset"] = tensor.offset;
      entry["fan_in"] = tensor.fan_in;
      entry["fan_out"] = tensor.fan_out;
      entry["penalized"] = tensor.penalized;
      list.append(entry);
    }
    return list;
  }

  std::unique_ptr<Stream<T>> stream(const py::list& one_step, Size samples) const {
    return std::make_unique<Stream<T>>(network_, to_specs(one_step), samples);
  }

  py::array_t<T> step(Stream<T>& stream, const StepOf<T>& x) {
    if (!stream.reads(*network_)) throw InvalidArgument("the stream was made for another network");
    check_step(stream, network_->kernels(), x);
    const Turn turn(*this, Work::reads);
    return take_step(stream, x);
  }

  const std::shared_ptr<Network<T>>& network() const { return network_; }

 private:
  class Turn {
   public:
    Turn(PyNetwork& network, Work work) : turns_(network.turns_) {
      turns_.begin(work, [&] {
        auto fresh = std::make_unique<Inference<T>>(*network.network_);
        static_cast<void>(network.inference_.release());  // as it is, it may not even be freed
        network.inference_ = std::move(fresh);
      });
    }
    ~Turn() { turns_.end(); }
    Turn(const Turn&) = delete;

   private:
    Turns& turns_;
  };

  // Lets others have the GIL while the core works; what went wrong in a look is raised afterwards.
  template <class Body> auto in_turn(Work work, Watch& watch, Body&& body) {
    const auto run = [&] {
      const Turn turn(*this, work);
      const WithoutGil no_gil;
      const Ending::Call call([this] { turns_.end(); });
      return body();
    };
    const auto result = run();
    watch.raise();
    return result;
  }

  void check(const PyObjective<T>& objective) const {
    if (objective.network != network_.get()) throw InvalidArgument("the objective was made for another network");
  }

  Samples<T> to_samples(const Given& given) const {
    Samples<T> samples;
    samples.x = to_rows(given.x, network_->input_width(), "X");
    samples.count = given.x.shape(0);
    if (samples.count < 1) throw InvalidArgument("X has no samples");
    if (given.targets.ndim() < 1 || given.targets.shape(0) != samples.count)
      throw InvalidArgument("y should have " + std::to_string(samples.count) + " samples like X");
    if (py::isinstance<py::array_t<Size>>(given.targets)) {
      const Size steps = std::max<Size>(network_->output_steps(), 1), outputs = network_->output_width() / steps;
      samples.classes = to_vector<Size>(given.targets, samples.count * steps, "y");
      for (Size i = 0; i < samples.count * steps; ++i)
        if (samples.classes[i] < 0 || samples.classes[i] >= outputs)
          throw InvalidArgument("y has class " + std::to_string(samples.classes[i]) + " at sample " +
                                std::to_string(i / steps) + ", but the network has " + std::to_string(outputs) +
                                " outputs");
    } else {
      samples.targets = to_rows(given.targets, network_->output_width(), "y");
    }
    samples.on = static_cast<T>(given.on), samples.off = static_cast<T>(given.off);
    samples.step_weights = !given.weights.is_none() && py::cast<py::array>(given.weights).ndim() == 2;
    samples.weights = to_vector<T>(
        given.weights, samples.count * (samples.step_weights ? std::max<Size>(network_->output_steps(), 1) : 1),
        "sample_weight");
    samples.lengths = to_lengths(given.lengths, samples.count);
    return samples;
  }

  const Size* to_lengths(const py::object& given, Size count) const {
    const Size* const lengths = to_vector<Size>(given, count, "lengths");
    if (!lengths) return nullptr;
    network_->check_takes_lengths();
    const Size longest = network_->nodes().front().steps;
    for (Size i = 0; i < count; ++i)
      if (lengths[i] < 0 || lengths[i] > longest)
        throw InvalidArgument("sample " + std::to_string(i) + " has " + std::to_string(lengths[i]) +
                              " steps, but the network takes 0 to " + std::to_string(longest));
    return lengths;
  }

  // How many costs are in the sum over all samples.
  double costs_of(const Samples<T>& samples) const {
    const Size steps = network_->output_steps();
    if (!steps || !samples.lengths) return static_cast<double>(samples.count * std::max<Size>(steps, 1));
    return std::max(1.0,
                    static_cast<double>(std::accumulate(samples.lengths, samples.lengths + samples.count, Size{0})));
  }

  py::array_t<T> new_outputs(Size count) const {
    std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(count)};
    for (const Size extent : network_->output().plan.output) shape.push_back(static_cast<py::ssize_t>(extent));
    return py::array_t<T>(shape);
  }

  const std::shared_ptr<Network<T>> network_;
  Trainer<T> trainer_;
  std::unique_ptr<Inference<T>> inference_;
  Turns turns_;
};

// A flat vector of the core as an array that shares its memory. It keeps the numbers alive, not the object which holds
// the user's functions: Python's collector does not see what arrays refer to.
template <class T> py::array_t<T> view(const std::shared_ptr<Network<T>>& network, Buffer<T>& numbers) {
  auto held = std::make_unique<std::shared_ptr<Network<T>>>(network);
  const py::capsule owner(held.get(), [](void* memory) { delete static_cast<std::shared_ptr<Network<T>>*>(memory); });
  static_cast<void>(held.release());
  return py::array_t<T>(static_cast<py::ssize_t>(numbers.size()), numbers.data(), owner);
}

// Attributes live in a dictionary that Python's collector sees.
template <class T> void register_objective_of(py::module_& module, const char* name) {
  py::class_<PyObjective<T>>(module, name, py::dynamic_attr());
}

template <class T> void register_network_of(py::module_& module, const char* name) {
  using Self = PyNetwork<T>;
  const auto flat = [](Buffer<T>& (Network<T>::*buffer)()) {
    return [buffer](const Self& self) { return view(self.network(), (*self.network().*buffer)()); };
  };
  py::class_<Self>(module, name, py::dynamic_attr())
      .def(py::init<const py::list&, std::uint64_t, Size>(), py::arg("layers"), py::arg("seed"),
           py::arg("most_numbers") = std::numeric_limits<Size>::max())
      .def_property_readonly("parameters", flat(&Network<T>::parameters))
      .def_property_readonly("gradients", flat(&Network<T>::gradients))
      .def_property_readonly("state", flat(&Network<T>::state))
      .def_property_readonly("parameter_tensors",
                             [](const Self& self) { return Self::describe(self.network()->parameter_tensors()); })
      .def_property_readonly("state_tensors",
                             [](const Self& self) { return Self::describe(self.network()->state_tensors()); })
      .def_property_readonly("nodes", &Self::describe_nodes)
      .def_property(
          "training_steps", [](const Self& self) { return self.network()->training_steps.load(); },
          [](const Self& self, std::uint64_t steps) { self.network()->training_steps = steps; })
      .def("freeze", &Self::freeze, py::arg("layer"), py::arg("frozen"))
      .def(
          "objective",
          [](const Self& self, const std::string& loss, const std::optional<double>& loss_parameter, double l1,
             double l2, bool penalize_biases, double weight_noise, double target_noise, const std::string& norm,
             double norm_limit, const std::optional<std::pair<double, double>>& clip, double l2_shared,
             bool weighted_mean, const std::vector<std::pair<double, double>>& own_penalties,
             const std::optional<std::pair<py::function, py::function>>& custom) {
            const ObjectiveOptions options{loss,         loss_parameter, l1,           l2,         penalize_biases,
                                           weight_noise, target_noise,   norm,         norm_limit, clip,
                                           l2_shared,    weighted_mean,  own_penalties};
            if (!custom) return py::cast(self.objective(options));
            py::object objective = py::cast(self.objective_with(options, custom->first, custom->second));
            objective.attr("functions") = py::make_tuple(custom->first, custom->second);
            return objective;
          },
          py::arg("loss"), py::arg("loss_parameter"), py::arg("l1"), py::arg("l2"), py::arg("penalize_biases"),
          py::arg("weight_noise"), py::arg("target_noise"), py::arg("norm"), py::arg("norm_limit"), py::arg("clip"),
          py::arg("l2_shared"), py::arg("weighted_mean"), py::arg("own_penalties"), py::arg("custom"))
      .def("optimizer", &Self::optimizer, py::arg("name"), py::arg("hyperparameters"))
      .def(
          "attach",
          [](const py::object& self, const std::string& layer, const py::function& value,
             const py::function& derivative) {
            self.cast<Self&>().network()->attach(layer, to_activation<T>(value, derivative));
            self.attr(("functions of " + layer).c_str()) = py::make_tuple(value, derivative);
          },
          py::arg("layer"), py::arg("value"), py::arg("derivative"))
      .def(
          "probe",
          [](Self& self, const PyObjective<T>& objective, py::array x, py::array targets, double on, double off,
             py::object weights, py::object lengths) {
            return self.probe(objective,
                              {std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)});
          },
          py::arg("objective"), py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"),
          py::arg("lengths") = py::none())
      .def(
          "train_epoch",
          [](Self& self, const PyObjective<T>& objective, Optimizer<T>& optimizer, py::array x, py::array targets,
             double on, double off, py::object weights, py::object lengths, const py::object& order, Size batch_size,
             const std::vector<double>& rates, const py::object& progress, Size bptt) {
            return self.train_epoch(objective, optimizer,
                                    {std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)},
                                    order, batch_size, rates, progress, bptt);
          },
          py::arg("objective"), py::arg("optimizer"), py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"),
          py::arg("weights"), py::arg("lengths"), py::arg("order"), py::arg("batch_size"), py::arg("rates"),
          py::arg("progress"), py::arg("bptt") = 0)
      .def(
          "loss_and_gradient",
          [](Self& self, const PyObjective<T>& objective, py::array x, py::array targets, double on, double off,
             py::object weights, py::object lengths, Size bptt) {
            return self.loss_and_gradient(
                objective, {std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)}, bptt);
          },
          py::arg("objective"), py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"),
          py::arg("lengths") = py::none(), py::arg("bptt") = 0)
      .def(
          "evaluate",
          [](Self& self, const PyObjective<T>& objective, py::array x, py::array targets, double on, double off,
             py::object weights, py::object lengths, bool want_outputs) {
            return self.evaluate(objective,
                                 {std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)},
                                 want_outputs);
          },
          py::arg("objective"), py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"),
          py::arg("lengths"), py::arg("want_outputs"))
      .def("predict", &Self::predict, py::arg("x"), py::arg("lengths") = py::none())
      .def("check_takes_lengths", [](const Self& self) { self.network()->check_takes_lengths(); })
      .def("stream", &Self::stream, py::arg("layers"), py::arg("samples"))
      .def("step", &Self::step, py::arg("stream"), py::arg("x"));
}

}  // namespace

void register_networks(py::module_& module) {
  register_objective_of<float>(module, "ObjectiveFloat32");
  register_objective_of<double>(module, "ObjectiveFloat64");
  register_streams(module);
  register_network_of<float>(module, "NetworkFloat32");
  register_network_of<double>(module, "NetworkFloat64");
}

}  // namespace multicapa
