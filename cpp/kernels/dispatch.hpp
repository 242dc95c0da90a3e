#pragma once

#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace multicapa {

// The instruction sets this processor can run, best first: the values MULTICAPA_ISA may take.
std::vector<std::string> available_instruction_sets();

// The kernels of one of them, whichever was chosen for the process. Throws std::invalid_argument.
const KernelTables& kernel_tables(const std::string& isa);

}  // namespace multicapa
