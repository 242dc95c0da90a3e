#include "layers/registry.hpp"

namespace multicapa {

std::vector<std::string> layer_names() {
#define MULTICAPA_NAME(name, maker) #name,
  return {MULTICAPA_LAYERS(MULTICAPA_NAME)};
#undef MULTICAPA_NAME
}

template <class T> std::unique_ptr<Layer<T>> make_layer(const Spec& spec) {
#define MULTICAPA_MATCH(name, maker) \
  if (spec.type == #name) return maker<T>(spec);
  MULTICAPA_LAYERS(MULTICAPA_MATCH)
#undef MULTICAPA_MATCH
  std::string known;
  for (const std::string& name : layer_names()) known += (known.empty() ? "" : ", ") + name;
  throw InvalidArgument("layer \"" + spec.name + "\": there is no layer type \"" + spec.type + "\"; there are " +
                        known);
}

template std::unique_ptr<Layer<float>> make_layer<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_layer<double>(const Spec&);

}  // namespace multicapa
