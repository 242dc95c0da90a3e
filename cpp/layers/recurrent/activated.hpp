// Recurrent layers with one sum per unit and an activation of the core's list: h = f(z).
#pragma once

#include "layers/activation.hpp"
#include "layers/recurrent/recurrent.hpp"

namespace multicapa {

template <class T> class Activated : public Recurrent<T> {
 protected:
  using typename Recurrent<T>::Frame, typename Recurrent<T>::Step, typename Recurrent<T>::Cell;

  Activated(const Spec& spec, Cell cell)
      : Recurrent<T>(spec, std::move(cell)),
        kernel_(find_activation<T>(spec, spec.text("activation", "tanh"))),
        parameter_(static_cast<T>(spec.number("activation_parameter", kernel_.default_parameter))) {
    if (!kernel_.by_element) spec.fail("takes an activation of each unit for itself, not " + std::string(kernel_.name));
    if (spec.options.count("activation_parameter") && !kernel_.parameter)
      spec.fail("the activation " + std::string(kernel_.name) + " has no parameter");
  }

  // The slot keeps z, from which some derivatives are had, and then becomes the delta.
  void activate(const Frame& f, const Step& s, Matrix<T> hidden) const {
    kernel_.forward(as_const(this->slot(f, s, 0)), hidden, parameter_);
  }
  void activate_back(const Frame& f, const Step& s, Matrix<const T> hidden) const {
    const Matrix<T> z = this->slot(f, s, 0);
    kernel_.backward(kernel_.from_output ? hidden : as_const(z), as_const(f.dh.at(0, s.lanes, 0, this->units_)), z,
                     parameter_);
  }

 private:
  const ActivationKernel<T>& kernel_;
  const T parameter_;
};

}  // namespace multicapa
