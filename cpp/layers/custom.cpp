// A layer of the user's: both ways are functions attached after the network was built. Slower, since it leaves the core
// for every block.

#include <algorithm>
#include <sstream>

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Custom final : public Layer<T> {
 public:
  explicit Custom(const Spec& spec) : spec_(spec) {
    const std::string names = spec.text("parameter_names", "");
    std::istringstream list(names);
    for (std::string name; std::getline(list, name, ',');)
      parameters_.emplace_back(name, spec.shape("shape_of_" + name));
    if (spec.options.count("output_shape")) output_ = spec.shape("output_shape");
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = output_.empty() ? inputs.at(0) : output_;
    for (const Size extent : plan.output)
      if (extent < 1) spec_.fail("output_shape should be positive integers, not " + to_string(plan.output));
    for (const auto& [name, shape] : parameters_) {
      const Size count = elements(shape);
      if (count < 1) spec_.fail("the parameter " + name + " has no numbers");
      plan.parameters.push_back({name, shape, shape.empty() ? 1 : shape[0], count, shape.size() > 1});
    }
    plan.work_per_row = 64 * static_cast<double>(elements(plan.output));
    plan.calls_out = true;
    return plan;
  }

  using Layer<T>::attach;
  void attach(const LayerFunctions<T>& functions) override { functions_ = functions; }

  void forward(const Call<T>& call) const override {
    if (!functions_.forward) spec_.fail("has no functions attached");
    functions_.forward(call);
  }

  void backward(const Call<T>& call) const override { functions_.backward(call); }

 private:
  const Spec spec_;
  std::vector<std::pair<std::string, Shape>> parameters_;
  Shape output_;  // empty: that of the first input
  LayerFunctions<T> functions_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_custom(const Spec& spec) { return std::make_unique<Custom<T>>(spec); }

template std::unique_ptr<Layer<float>> make_custom<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_custom<double>(const Spec&);

}  // namespace multicapa
