#include "references.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <sstream>

#include "kernels/table.hpp"

namespace multicapa::bench {
namespace {

using Function = std::function<double(double z, double parameter)>;

const std::map<std::string, Function>& functions() {
  constexpr double lambda = 1.0507009873554805, alpha = 1.6732632423543772, root_half = 0.70710678118654752;
  static const std::map<std::string, Function> list = {
      {"linear", [](double z, double) { return z; }},
      {"step", [](double z, double) { return z >= 0 ? 1.0 : -1.0; }},
      {"sigmoid", [](double z, double) { return 1 / (1 + std::exp(-z)); }},
      {"tanh", [](double z, double) { return std::tanh(z); }},
      {"softsign", [](double z, double) { return z / (1 + std::abs(z)); }},
      {"relu", [](double z, double) { return std::max(0.0, z); }},
      {"leaky_relu", [](double z, double slope) { return std::max(slope * z, z); }},
      {"elu", [](double z, double a) { return z > 0 ? z : a * std::expm1(z); }},
      {"selu", [](double z, double) { return lambda * (z > 0 ? z : alpha * std::expm1(z)); }},
      {"gelu", [](double z, double) { return z * std::erfc(-z * root_half) / 2; }},
      {"silu", [](double z, double) { return z / (1 + std::exp(-z)); }},
      {"softplus", [](double z, double) { return std::log1p(std::exp(z)); }},
      {"exponential", [](double z, double) { return std::exp(z); }},
  };
  return list;
}

std::vector<double> softmax(std::vector<double> z) {
  const double peak = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (double& number : z) sum += number = std::exp(number - peak);
  for (double& number : z) number /= sum;
  return z;
}

std::string hyperparameter_names(const std::string& optimizer) {
  const KernelTable<double>& table = kernels<double>();
  for (int i = 0; i < table.optimizer_count; ++i)
    if (optimizer == table.optimizers[i].name) return table.optimizers[i].hyperparameters;
  return "";
}

}  // namespace

std::vector<double> reference_activation(const std::string& name, const std::vector<double>& z, double parameter) {
  if (name == "softmax") return softmax(z);
  const auto found = functions().find(name);
  if (found == functions().end()) return {};
  std::vector<double> a;
  for (const double number : z) a.push_back(found->second(number, parameter));
  return a;
}

std::vector<double> usual_hyperparameters(const std::string& optimizer) {
  static const std::map<std::string, double> usual = {
      {"momentum", 0.9}, {"momentum_decay", 0.004}, {"weight_decay", 0.01}, {"epsilon", 1e-8},
      {"beta1", 0.9},    {"beta2", 0.999},          {"rho", 0.9},           {"shrink", 0.5},
      {"grow", 1.2},     {"smallest", 1e-6},        {"largest", 50},        {"epsilon_hat", 0}};
  constexpr double for_others = 0.5;
  std::istringstream words(hyperparameter_names(optimizer));
  std::vector<double> values;
  for (std::string word; words >> word;) values.push_back(usual.count(word) ? usual.at(word) : for_others);
  return values;
}

}  // namespace multicapa::bench
