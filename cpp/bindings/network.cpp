// The class that Python holds: one network with its trainer, in float32 or float64.

#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "bindings/convert.hpp"
#include "bindings/functions.hpp"
#include "bindings/register.hpp"
#include "training/inference.hpp"
#include "training/stream.hpp"
#include "training/trainer.hpp"

namespace multicapa {
namespace {

// Lets Ctrl-C and a progress display in while the core works without the GIL. Python's exception waits here until
// the team has gone home.
class Watch {
 public:
  explicit Watch(py::object progress) : progress_(std::move(progress)) {}
  Look look() {
    return [this](double done) {
      const py::gil_scoped_acquire gil;
      try {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!progress_.is_none()) progress_(done);
      } catch (py::error_already_set& error) {
        error_.emplace(std::move(error));
      }
      return error_.has_value();
    };
  }
  void raise() {
    if (error_) throw *std::exchange(error_, std::nullopt);
  }

 private:
  py::object progress_;
  std::optional<py::error_already_set> error_;
};

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

template <class T> constexpr Scalar scalar_of = std::is_same_v<T, float> ? Scalar::float32 : Scalar::float64;

template <class T> class PyNetwork {
 public:
  PyNetwork(const py::list& layers, std::uint64_t seed)
      : network_(to_specs(layers)), trainer_(network_), inference_(network_) {
    network_.seed = seed;
  }

  void set_objective(const std::string& loss, const std::optional<double>& parameter, double l1, double l2,
                     bool penalize_biases, double weight_noise, double target_noise, const std::string& norm,
                     double norm_limit, const std::optional<std::pair<double, double>>& clip, double l2_shared,
                     bool weighted_mean) {
    Objective<T> objective;
    choose_loss(objective, network_, loss);
    if (parameter) objective.loss_parameter = static_cast<T>(*parameter);
    objective.l1 = static_cast<T>(l1), objective.l2 = static_cast<T>(l2), objective.penalize_biases = penalize_biases;
    objective.weight_noise = static_cast<T>(weight_noise), objective.target_noise = static_cast<T>(target_noise);
    objective.norm = norm == "at_most"  ? GradientNorm::at_most
                     : norm == "always" ? GradientNorm::always
                                        : GradientNorm::as_is;
    objective.norm_limit = static_cast<T>(norm_limit);
    objective.clips_values = clip.has_value();
    objective.l2_shared = static_cast<T>(l2_shared), objective.weighted_mean = weighted_mean;
    if (clip) objective.clip_low = static_cast<T>(clip->first), objective.clip_high = static_cast<T>(clip->second);
    const auto lock = enter();
    trainer_.set_objective(objective);
  }

  // After set_objective: a loss of the user's in place of the one named there.
  void set_custom_loss(const py::function& value, const py::function& derivative) {
    Objective<T> objective = trainer_.objective();
    objective.fused = false;
    objective.custom_loss = to_loss<T>(value, derivative);
    const auto lock = enter();
    trainer_.set_objective(objective);
  }

  void set_optimizer(const std::string& name, const std::vector<double>& hyperparameters) {
    const auto lock = enter();
    trainer_.set_optimizer(name, hyperparameters);
  }

  py::tuple train_epoch(const Given& given, const py::object& order, Size batch_size, const std::vector<double>& rates,
                        const py::object& progress, Size bptt) {
    if (!trainer_.optimizer() || !trainer_.objective().is_set())
      throw InvalidArgument("set_objective and set_optimizer come before train_epoch");
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
    const Size steps = (epoch.count + batch_size - 1) / batch_size;
    if (rates.size() != 1 && static_cast<Size>(rates.size()) != steps)
      throw InvalidArgument("expected 1 or " + std::to_string(steps) + " learning rates, not " +
                            std::to_string(rates.size()));
    Watch watch(progress);
    epoch.look = watch.look();
    EpochResult result;
    {
      const py::gil_scoped_release no_gil;
      const auto lock = enter();
      result = trainer_.run(epoch);
    }
    penalty = result.penalty;
    watch.raise();
    return py::make_tuple(result.loss, result.steps, result.diverged);
  }

  double loss_and_gradient(const Given& given, Size bptt) {
    const Samples<T> samples = to_samples(given);
    if (!trainer_.objective().is_set()) throw InvalidArgument("set_objective comes before loss_and_gradient");
    Watch watch{py::none()};
    EpochResult result;
    {
      const py::gil_scoped_release no_gil;
      const auto lock = enter();
      result = trainer_.compute_gradient(samples, bptt, watch.look());
    }
    penalty = result.penalty;
    watch.raise();
    return result.loss;
  }

  // loss_and_gradient, and with it the outputs and deltas of all nodes.
  py::dict probe(const Given& given) {
    const Samples<T> samples = to_samples(given);
    if (!trainer_.objective().is_set()) throw InvalidArgument("set_objective comes before probe");
    const auto lock = enter();
    py::dict entries;
    trainer_.probe(samples, [&](const Step<T>& step) {
      for (Size n = 1; n < static_cast<Size>(network_.nodes().size()); ++n) {
        const auto [values, deltas] = step.last_batch(n);
        if (!values.data) continue;
        const py::str name(network_.nodes()[static_cast<std::size_t>(n)].name);
        entries[name] = py::make_tuple(to_array(as_const(values)),
                                       deltas.data ? py::object(to_array(as_const(deltas))) : py::none());
      }
    });
    return entries;
  }

  py::array_t<T> predict(const py::array& x, const py::object& lengths) {
    const Rows rows = to_rows(x, network_.input_width(), "X");
    const Size count = x.shape(0);
    const Size* const steps = to_lengths(lengths, count);
    py::array_t<T> y = new_outputs(count);
    T* out = y.mutable_data();
    Watch watch{py::none()};
    if (count > 0) {
      const py::gil_scoped_release no_gil;
      const auto lock = enter();
      inference_.predict(rows, steps, count, out, watch.look());
    }
    watch.raise();
    return y;
  }

  // The mean cost without penalty, and the outputs when they are wanted.
  py::tuple evaluate(const Given& given, bool want_outputs) {
    const Samples<T> samples = to_samples(given);
    if (!trainer_.objective().is_set()) throw InvalidArgument("set_objective comes before evaluate");
    py::object outputs = py::none();
    T* out = nullptr;
    if (want_outputs) {
      py::array_t<T> y = new_outputs(samples.count);
      out = y.mutable_data();
      outputs = y;
    }
    double cost = 0;
    Watch watch{py::none()};
    {
      const py::gil_scoped_release no_gil;
      const auto lock = enter();
      inference_.evaluate(samples, trainer_.objective(), out, cost, watch.look());
    }
    watch.raise();
    return py::make_tuple(cost / costs_of(samples), outputs);
  }

  py::list describe_nodes() const {
    py::list list;
    for (const Node<T>& node : network_.nodes()) {
      py::dict entry;
      entry["name"] = node.name;
      entry["type"] = node.type;
      entry["shape"] = py::tuple(py::cast(node.plan.output));
      entry["sequence"] = node.sequence;
      entry["steps"] = node.steps;
      py::list inputs;
      for (const Size input : node.inputs) inputs.append(network_.nodes()[static_cast<std::size_t>(input)].name);
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

  // x: (samples, features) of one step, or (features,) of the one sample there is.
  py::array_t<T> step(Stream<T>& stream, const py::array_t<T, py::array::c_style | py::array::forcecast>& x) {
    const bool single = stream.samples() == 1 && x.ndim() == 1;
    const Size features = stream.input_width(), samples = stream.samples();
    if (x.size() != samples * features || x.ndim() > 2 || (!single && (x.ndim() != 2 || x.shape(0) != samples)))
      throw InvalidArgument("a step of this stream should have shape (" + std::to_string(samples) + ", " +
                            std::to_string(features) + ")");
    if (const Size wrong = network_.kernels().find_not_finite(x.data(), scalar_of<T>, x.size()); wrong >= 0)
      throw InvalidArgument("a step should be finite, but number " + std::to_string(wrong % features) + " of sample " +
                            std::to_string(wrong / features) + " is not");
    const Size width = stream.output_width();
    py::array_t<T> y = single ? py::array_t<T>(static_cast<py::ssize_t>(width))
                              : py::array_t<T>({static_cast<py::ssize_t>(samples), static_cast<py::ssize_t>(width)});
    const auto lock = enter();
    stream.step(x.data(), y.mutable_data());
    return y;
  }

  Network<T>& network() { return network_; }
  Trainer<T>& trainer() { return trainer_; }

  double penalty = 0;  // its part in the loss that train_epoch or loss_and_gradient returned last

 private:
  // One caller at a time; others wait, but a callback inside a fit of the same network would wait for itself.
  struct Entry {
    explicit Entry(PyNetwork& network) : network_(network) {
      if (network.owner_.load() == std::this_thread::get_id())
        throw std::runtime_error("this network is at work; what runs inside a fit cannot use it");
      network.mutex_.lock();
      network.owner_ = std::this_thread::get_id();
    }
    ~Entry() {
      network_.owner_ = std::thread::id();
      network_.mutex_.unlock();
    }
    Entry(const Entry&) = delete;
    PyNetwork& network_;
  };
  Entry enter() { return Entry(*this); }

  Samples<T> to_samples(const Given& given) const {
    Samples<T> samples;
    samples.x = to_rows(given.x, network_.input_width(), "X");
    samples.count = given.x.shape(0);
    if (samples.count < 1) throw InvalidArgument("X has no samples");
    if (given.targets.ndim() < 1 || given.targets.shape(0) != samples.count)
      throw InvalidArgument("y should have " + std::to_string(samples.count) + " samples like X");
    if (py::isinstance<py::array_t<Size>>(given.targets)) {
      const Size steps = std::max<Size>(network_.output_steps(), 1), outputs = network_.output_width() / steps;
      samples.classes = to_vector<Size>(given.targets, samples.count * steps, "y");
      for (Size i = 0; i < samples.count * steps; ++i)
        if (samples.classes[i] < 0 || samples.classes[i] >= outputs)
          throw InvalidArgument("y has class " + std::to_string(samples.classes[i]) + " at sample " +
                                std::to_string(i / steps) + ", but the network has " + std::to_string(outputs) +
                                " outputs");
    } else {
      samples.targets = to_rows(given.targets, network_.output_width(), "y");
    }
    samples.on = static_cast<T>(given.on), samples.off = static_cast<T>(given.off);
    samples.step_weights = !given.weights.is_none() && py::cast<py::array>(given.weights).ndim() == 2;
    samples.weights = to_vector<T>(
        given.weights, samples.count * (samples.step_weights ? std::max<Size>(network_.output_steps(), 1) : 1),
        "sample_weight");
    samples.lengths = to_lengths(given.lengths, samples.count);
    return samples;
  }

  const Size* to_lengths(const py::object& given, Size count) const {
    const Size* const lengths = to_vector<Size>(given, count, "lengths");
    if (!lengths) return nullptr;
    network_.check_takes_lengths();
    const Size longest = network_.nodes().front().steps;
    for (Size i = 0; i < count; ++i)
      if (lengths[i] < 0 || lengths[i] > longest)
        throw InvalidArgument("sample " + std::to_string(i) + " has " + std::to_string(lengths[i]) +
                              " steps, but the network takes 0 to " + std::to_string(longest));
    return lengths;
  }

  // How many costs are in the sum over all samples.
  double costs_of(const Samples<T>& samples) const {
    const Size steps = network_.output_steps();
    if (!steps || !samples.lengths) return static_cast<double>(samples.count * std::max<Size>(steps, 1));
    return std::max(1.0,
                    static_cast<double>(std::accumulate(samples.lengths, samples.lengths + samples.count, Size{0})));
  }

  py::array_t<T> new_outputs(Size count) const {
    std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(count)};
    for (const Size extent : network_.output().plan.output) shape.push_back(static_cast<py::ssize_t>(extent));
    return py::array_t<T>(shape);
  }

  Network<T> network_;
  Trainer<T> trainer_;
  Inference<T> inference_;
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
};

// A flat vector of the core as an array that shares its memory and keeps the network alive.
template <class T> py::array_t<T> view(const py::object& self, T* data, Size count) {
  return py::array_t<T>(static_cast<py::ssize_t>(count), data, self);
}

// A stream with the network whose weights it reads.
template <class T> struct PyStream {
  py::object owner;
  Stream<T> stream;

  PyStream(py::object network, const py::list& layers, Size samples)
      : owner(std::move(network)), stream(owner.cast<PyNetwork<T>&>().network(), to_specs(layers), samples) {}
};

template <class T> void register_stream(py::module_& module, const char* name) {
  using Self = PyStream<T>;
  py::class_<Self>(module, name)
      .def(py::init<py::object, const py::list&, Size>(), py::arg("network"), py::arg("layers"), py::arg("samples"))
      .def("reset", [](Self& self) { self.stream.reset(); })
      .def("step", [](Self& self, const py::array_t<T, py::array::c_style | py::array::forcecast>& x) {
        return self.owner.template cast<PyNetwork<T>&>().step(self.stream, x);
      });
}

template <class T> void register_class(py::module_& module, const char* name) {
  using Self = PyNetwork<T>;
  const auto flat = [](Buffer<T>& (Network<T>::*buffer)()) {
    return [buffer](const py::object& self) {
      Buffer<T>& memory = (self.cast<Self&>().network().*buffer)();
      return view(self, memory.data(), memory.size());
    };
  };
  py::class_<Self>(module, name)
      .def(py::init<const py::list&, std::uint64_t>(), py::arg("layers"), py::arg("seed"))
      .def_property_readonly("parameters", flat(&Network<T>::parameters))
      .def_property_readonly("gradients", flat(&Network<T>::gradients))
      .def_property_readonly("state", flat(&Network<T>::state))
      .def_property_readonly("parameter_tensors",
                             [](Self& self) { return Self::describe(self.network().parameter_tensors()); })
      .def_property_readonly("state_tensors", [](Self& self) { return Self::describe(self.network().state_tensors()); })
      .def_property_readonly("nodes", &Self::describe_nodes)
      .def_readonly("penalty", &Self::penalty)
      .def_property(
          "training_steps", [](Self& self) { return self.network().training_steps; },
          [](Self& self, std::uint64_t steps) { self.network().training_steps = steps; })
      .def(
          "freeze", [](Self& self, const std::string& layer, bool frozen) { self.network().freeze(layer, frozen); },
          py::arg("layer"), py::arg("frozen"))
      .def("set_objective", &Self::set_objective, py::arg("loss"), py::arg("loss_parameter"), py::arg("l1"),
           py::arg("l2"), py::arg("penalize_biases"), py::arg("weight_noise"), py::arg("target_noise"), py::arg("norm"),
           py::arg("norm_limit"), py::arg("clip"), py::arg("l2_shared") = 0.0, py::arg("weighted_mean") = false)
      .def("set_custom_loss", &Self::set_custom_loss, py::arg("value"), py::arg("derivative"))
      .def(
          "attach",
          [](Self& self, const std::string& layer, const py::function& value, const py::function& derivative) {
            self.network().attach(layer, to_activation<T>(value, derivative));
          },
          py::arg("layer"), py::arg("value"), py::arg("derivative"))
      .def(
          "probe",
          [](Self& self, py::array x, py::array targets, double on, double off, py::object weights,
             py::object lengths) {
            return self.probe({std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)});
          },
          py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"),
          py::arg("lengths") = py::none())
      .def("set_optimizer", &Self::set_optimizer, py::arg("name"), py::arg("hyperparameters"))
      .def_property(
          "optimizer_state",
          [](const py::object& self) -> py::object {
            Optimizer<T>* optimizer = self.cast<Self&>().trainer().optimizer();
            if (!optimizer) return py::none();
            py::list slots;
            for (Buffer<T>& slot : optimizer->slots()) slots.append(view(self, slot.data(), slot.size()));
            return py::make_tuple(optimizer->steps, optimizer->carried, slots);
          },
          [](Self& self, const std::pair<Size, std::array<double, 4>>& state) {
            Optimizer<T>* optimizer = self.trainer().optimizer();
            if (!optimizer) throw InvalidArgument("set_optimizer comes before optimizer_state");
            optimizer->steps = state.first, optimizer->carried = state.second;
          })
      .def(
          "train_epoch",
          [](Self& self, py::array x, py::array targets, double on, double off, py::object weights, py::object lengths,
             const py::object& order, Size batch_size, const std::vector<double>& rates, const py::object& progress,
             Size bptt) {
            return self.train_epoch({std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)},
                                    order, batch_size, rates, progress, bptt);
          },
          py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"), py::arg("lengths"),
          py::arg("order"), py::arg("batch_size"), py::arg("rates"), py::arg("progress"), py::arg("bptt") = 0)
      .def(
          "loss_and_gradient",
          [](Self& self, py::array x, py::array targets, double on, double off, py::object weights, py::object lengths,
             Size bptt) {
            return self.loss_and_gradient(
                {std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)}, bptt);
          },
          py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"),
          py::arg("lengths") = py::none(), py::arg("bptt") = 0)
      .def(
          "evaluate",
          [](Self& self, py::array x, py::array targets, double on, double off, py::object weights, py::object lengths,
             bool want_outputs) {
            return self.evaluate({std::move(x), std::move(targets), on, off, std::move(weights), std::move(lengths)},
                                 want_outputs);
          },
          py::arg("x"), py::arg("targets"), py::arg("on"), py::arg("off"), py::arg("weights"), py::arg("lengths"),
          py::arg("want_outputs"))
      .def("predict", &Self::predict, py::arg("x"), py::arg("lengths") = py::none());
}

}  // namespace

void register_networks(py::module_& module) {
  register_class<float>(module, "NetworkFloat32");
  register_class<double>(module, "NetworkFloat64");
  register_stream<float>(module, "StreamFloat32");
  register_stream<double>(module, "StreamFloat64");
}

}  // namespace multicapa
