// What the kernels should come to, by <cmath> in double, and values for what their lists leave open.
#pragma once

#include <string>
#include <vector>

namespace multicapa::bench {

// Of one row. Empty when the benchmark does not know the activation: a new one is timed all the same, and tested by
// the tests.
std::vector<double> reference_activation(const std::string& name, const std::vector<double>& z, double parameter);

// A usual value for each of the hyper-parameters of an optimiser; none when there is no such optimiser.
std::vector<double> usual_hyperparameters(const std::string& optimizer);

}  // namespace multicapa::bench
