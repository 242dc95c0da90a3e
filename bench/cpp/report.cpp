#include "report.hpp"

#include <cstdio>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "kernels/products/matmul.hpp"

namespace multicapa::bench {
namespace {

// Linux alone says it in so many words; elsewhere the instruction set has to do.
std::string processor_name() {
  std::ifstream facts("/proc/cpuinfo");
  for (std::string line; std::getline(facts, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(": ") + 2);
  return "";
}

std::string readable(double seconds) {
  const char* units[] = {"s ", "ms", "us", "ns"};
  int unit = 0;
  for (; seconds < 1 && unit < 3; ++unit) seconds *= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %s", seconds, units[unit]);
  return text;
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out << '\\' << c;
    else if (static_cast<unsigned char>(c) < 0x20) out << ' ';
    else out << c;
  }
  out << '"';
  return out.str();
}

double ratio(const Record& record) { return record.figures.front().value / record.reference; }

void write(std::ostream& out, const Machine& machine) {
  out << "{\"processor\": " << quoted(machine.processor) << ", \"isa\": " << quoted(machine.isa)
      << ", \"threads\": " << machine.threads << ", \"blas\": " << quoted(machine.blas)
      << ", \"compiler\": " << quoted(machine.compiler) << "}";
}

void write(std::ostream& out, const NamedRecord& row) {
  const Record& r = row.record;
  out << "{\"name\": " << quoted(row.name) << ", \"threads\": " << r.threads << ", \"seconds\": " << r.time.seconds
      << ", \"best_seconds\": " << r.time.best << ", \"spread\": " << r.time.spread
      << ", \"samples\": " << r.time.samples << ", \"figures\": {";
  const char* separator = "";
  for (const Figure& figure : r.figures)
    out << std::exchange(separator, ", ") << quoted(figure.unit) << ": " << figure.value;
  out << "}";
  if (r.reference > 0) out << ", \"reference\": " << r.reference << ", \"ratio\": " << ratio(r);
  out << "}";
}

}  // namespace

Machine describe_machine(int threads) {
  return {processor_name(), kernels<float>().isa, threads, blas_description(), __VERSION__};
}

void print_heading(const Machine& machine) {
  std::printf("%s, instruction set %s, %d threads, BLAS: %s\n\n", machine.processor.c_str(), machine.isa.c_str(),
              machine.threads, machine.blas.c_str());
  std::printf("%-48s %11s %7s\n", "case", "time", "spread");
}

void print_row(const NamedRecord& row) {
  const Record& r = row.record;
  std::printf("%-48s %11s %6.1f%%", row.name.c_str(), readable(r.time.seconds).c_str(), 100 * r.time.spread);
  for (const Figure& figure : r.figures) std::printf("  %10.5g %s", figure.value, figure.unit.c_str());
  if (r.reference > 0) std::printf("  %6.2f x prototype", ratio(r));
  std::printf("\n");
  std::fflush(stdout);
}

void write_json(const std::string& file, const Machine& machine, double seconds, const std::vector<NamedRecord>& rows) {
  std::ofstream out(file);
  out << std::setprecision(6) << "{\n\"machine\": ";
  write(out, machine);
  out << ",\n\"seconds_per_case\": " << seconds << ",\n\"results\": [";
  const char* separator = "\n";
  for (const NamedRecord& row : rows) {
    out << std::exchange(separator, ",\n");
    write(out, row);
  }
  out << "\n]\n}\n";
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

}  // namespace multicapa::bench
