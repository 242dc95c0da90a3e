#pragma once

#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace multicapa {

// The instruction sets this processor can run, best first: the values MULTICAPA_ISA may take.
std::vector<std::string> available_instruction_sets();

}  // namespace multicapa
