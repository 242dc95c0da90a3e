// Where the records go: a table to read and a JSON file to compare with.
#pragma once

#include <string>
#include <vector>

#include "bench.hpp"

namespace multicapa::bench {

struct NamedRecord {
  std::string name;
  Record record;
};

struct Machine {
  std::string processor;
  std::string isa;
  int threads;
  std::string blas;
  std::string compiler;
};

Machine describe_machine(int threads);

void print_heading(const Machine& machine);
void print_row(const NamedRecord& row);

// Throws std::runtime_error when the file cannot be written.
void write_json(const std::string& file, const Machine& machine, double seconds, const std::vector<NamedRecord>& rows);

}  // namespace multicapa::bench
