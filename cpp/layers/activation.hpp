// The kernel of an activation that a spec names.
#pragma once

#include "layers/layer.hpp"

namespace multicapa {

// Fails in the spec's name when there is none.
template <class T> const ActivationKernel<T>& find_activation(const Spec& spec, const std::string& function);

}  // namespace multicapa
