// The class that Python holds: one network with its trainer, in float32 or float64.

#include <numeric>
#include <optional>

#include "bindings/convert.hpp"
#include "bindings/custom_layer.hpp"
#include "bindings/ending.hpp"
#include "bindings/examples.hpp"
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
    epoch.examples = to_examples(*network_, given);
    epoch.count = epoch.examples.count;
    if (!order.is_none()) {
      epoch.count = static_cast<Size>(py::len(order));
      epoch.order = to_vector<Size>(order, epoch.count, "order");
      check_order(epoch.order, epoch.count, epoch.examples.count);
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
    return py::make_tuple(result.loss, result.penalty, result.steps, result.diverged, result.losses);
  }

  py::tuple loss_and_gradient(const PyObjective<T>& objective, const Given& given, Size bptt) {
    check(objective);
    const Examples<T> examples = to_examples(*network_, given);
    Watch watch{py::none()};
    const EpochResult result = in_turn(
        Work::writes, watch, [&] { return trainer_.compute_gradient(objective.core, examples, bptt, watch.look()); });
    return py::make_tuple(result.loss, result.penalty, result.losses);
  }

  // loss_and_gradient, and with it the outputs and deltas of all nodes: the cost with penalties, a pair by name, and
  // what layers that walk through time keep of each step.
  py::tuple probe(const PyObjective<T>& objective, const Given& given) {
    check(objective);
    const Examples<T> examples = to_examples(*network_, given);
    py::dict entries, steps;
    const auto copy = [&](const Step<T>& step) {
      const WithGil gil;
      for (Size n = network_->input_count(); n < static_cast<Size>(network_->nodes().size()); ++n) {
        const auto [values, deltas] = step.last_batch(n);
        const py::str name(network_->nodes()[static_cast<std::size_t>(n)].name);
        entries[name] = py::make_tuple(to_array(as_const(values)),
                                       deltas.data ? py::object(to_array(as_const(deltas))) : py::none());
        if (const Matrix<const T> kept = step.step_deltas(n); kept.data) steps[name] = to_array(kept);
      }
    };
    Watch watch{py::none()};
    const EpochResult result =
        in_turn(Work::writes, watch, [&] { return trainer_.probe(objective.core, examples, copy); });
    return py::make_tuple(result.loss, entries, steps);
  }

  py::list predict(const GivenInputs& given) {
    const std::vector<InputRows> inputs = to_inputs(*network_, given);
    const Size count = given[0].first.shape(0);
    const py::list made = new_outputs(count);
    const std::vector<T*> outputs = places_of(made);
    Watch watch{py::none()};
    if (count > 0)
      in_turn(Work::reads, watch, [&] { return inference_->predict(inputs, count, outputs, watch.look()); });
    return made;
  }

  // The sum of the outputs' mean costs by their weights, without penalty, these costs themselves, and the outputs when
  // they are wanted.
  py::tuple evaluate(const PyObjective<T>& objective, const Given& given, bool want_outputs) {
    check(objective);
    const Examples<T> examples = to_examples(*network_, given);
    py::list made;
    if (want_outputs) made = new_outputs(examples.count);
    const std::vector<T*> outputs = places_of(made);
    std::vector<double> costs;
    Watch watch{py::none()};
    in_turn(Work::reads, watch,
            [&] { return inference_->evaluate(examples, *objective.core, outputs, costs, watch.look()); });
    double total = 0;
    for (Size o = 0; o < network_->output_count(); ++o) {
      double& cost = costs[static_cast<std::size_t>(o)];
      cost /= costs_of(o, examples.outputs[static_cast<std::size_t>(o)], examples.count);
      total += objective.core->losses[static_cast<std::size_t>(o)].weight * cost;
    }
    return py::make_tuple(total, costs, want_outputs ? py::object(made) : py::none());
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
      entry["in_time"] = node.in_time();
      entry["steps"] = node.steps;
      entry["time"] = node.time;
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

  // How many costs of an output are in the sum over all samples.
  double costs_of(Size output, const Samples<T>& samples, Size count) const {
    const Size steps = network_->output_steps(output);
    if (!steps || !samples.lengths) return static_cast<double>(count * std::max<Size>(steps, 1));
    return std::max(1.0, static_cast<double>(std::accumulate(samples.lengths, samples.lengths + count, Size{0})));
  }

  // An array for each output.
  py::list new_outputs(Size count) const {
    py::list made(static_cast<std::size_t>(network_->output_count()));
    for (Size o = 0; o < network_->output_count(); ++o) {
      const Shape& extents = network_->output(o).plan.output;
      std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(count)};
      shape.insert(shape.end(), extents.begin(), extents.end());
      made[static_cast<std::size_t>(o)] = py::array_t<T>(std::move(shape));
    }
    return made;
  }
  static std::vector<T*> places_of(const py::list& outputs) {
    std::vector<T*> places;
    for (const py::handle output : outputs)  // a cast to array_t<T> would have NumPy make sure of what they are
      places.push_back(static_cast<T*>(py::reinterpret_borrow<py::array>(output).mutable_data()));
    return places;
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
          [](const Self& self,
             const std::vector<std::tuple<std::string, std::optional<double>, double, py::object>>& given, double l1,
             double l2, bool penalize_biases, double weight_noise, double target_noise, const std::string& norm,
             double norm_limit, const std::optional<std::pair<double, double>>& clip, double l2_shared,
             bool weighted_mean, const std::vector<std::pair<double, double>>& own_penalties) {
            std::vector<LossOptions> losses;
            py::list functions;
            for (const auto& [loss, parameter, weight, custom] : given) {
              losses.push_back({loss, parameter, weight, {}});
              if (custom.is_none()) continue;
              losses.back().functions = py::cast<std::pair<py::function, py::function>>(custom);
              functions.append(custom);
            }
            const ObjectiveOptions options{losses, l1,         l2,   penalize_biases, weight_noise,  target_noise,
                                           norm,   norm_limit, clip, l2_shared,       weighted_mean, own_penalties};
            py::object objective = py::cast(self.objective(options));
            if (!functions.empty()) objective.attr("functions") = functions;
            return objective;
          },
          py::arg("losses"), py::arg("l1"), py::arg("l2"), py::arg("penalize_biases"), py::arg("weight_noise"),
          py::arg("target_noise"), py::arg("norm"), py::arg("norm_limit"), py::arg("clip"), py::arg("l2_shared"),
          py::arg("weighted_mean"), py::arg("own_penalties"))
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
          "attach_layer",
          [](const py::object& self, const std::string& layer, const py::function& forward,
             const py::function& backward) {
            Network<T>& network = *self.cast<Self&>().network();
            network.attach(layer, CustomLayer<T>(network, layer, forward, backward).functions());
            self.attr(("functions of " + layer).c_str()) = py::make_tuple(forward, backward);
          },
          py::arg("layer"), py::arg("forward"), py::arg("backward"))
      .def(
          "probe",
          [](Self& self, const PyObjective<T>& objective, const GivenInputs& inputs, const GivenOutputs& outputs) {
            return self.probe(objective, {inputs, outputs});
          },
          py::arg("objective"), py::arg("inputs"), py::arg("outputs"))
      .def(
          "train_epoch",
          [](Self& self, const PyObjective<T>& objective, Optimizer<T>& optimizer, const GivenInputs& inputs,
             const GivenOutputs& outputs, const py::object& order, Size batch_size, const std::vector<double>& rates,
             const py::object& progress, Size bptt) {
            return self.train_epoch(objective, optimizer, {inputs, outputs}, order, batch_size, rates, progress, bptt);
          },
          py::arg("objective"), py::arg("optimizer"), py::arg("inputs"), py::arg("outputs"), py::arg("order"),
          py::arg("batch_size"), py::arg("rates"), py::arg("progress"), py::arg("bptt") = 0)
      .def(
          "loss_and_gradient",
          [](Self& self, const PyObjective<T>& objective, const GivenInputs& inputs, const GivenOutputs& outputs,
             Size bptt) { return self.loss_and_gradient(objective, {inputs, outputs}, bptt); },
          py::arg("objective"), py::arg("inputs"), py::arg("outputs"), py::arg("bptt") = 0)
      .def(
          "evaluate",
          [](Self& self, const PyObjective<T>& objective, const GivenInputs& inputs, const GivenOutputs& outputs,
             bool want_outputs) { return self.evaluate(objective, {inputs, outputs}, want_outputs); },
          py::arg("objective"), py::arg("inputs"), py::arg("outputs"), py::arg("want_outputs"))
      .def("predict", &Self::predict, py::arg("inputs"))
      .def("check_takes_lengths",
           [](const Self& self) {
             const Network<T>& network = *self.network();
             network.check_takes_lengths(std::vector<bool>(static_cast<std::size_t>(network.input_count()), true));
           })
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
