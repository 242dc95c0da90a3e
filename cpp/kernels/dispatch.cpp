// Chooses the kernel table for this process, once: the best set the processor has, or the one MULTICAPA_ISA names.

#include "kernels/dispatch.hpp"

#if defined(MULTICAPA_TILES) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace multicapa {

extern const KernelTables dense_tables_v2, dense_tables_v3, dense_tables_v4, dense_tables_baseline;

#if defined(MULTICAPA_TILES)
extern const TileProduct<float> amx_product;
#endif

namespace {

struct InstructionSet {
  const char* name;
  const KernelTables* tables;
  bool available;
};

#if defined(MULTICAPA_TILES)
// Linux saves the tiles' eight kilobytes only for processes that have asked for it.
bool offers_tiles() {
#if defined(__linux__)
  constexpr int request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, of Linux 5.16 and later
  constexpr unsigned bfloat16 = 1u << 22, tile = 1u << 24;
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & bfloat16) == 0 || (d & tile) == 0) return false;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

// The kernels of v4, beside which products are made in tiles.
KernelTables tables_with_tiles() {
  KernelTables tables = dense_tables_v4;
  tables.single_precision.isa = tables.double_precision.isa = "amx";
  tables.single_precision.tiles = &amx_product;
  return tables;
}

#endif

// Best first, of those that CMakeLists.txt has compiled.
std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  [[maybe_unused]] const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  [[maybe_unused]] const bool v3 =
      v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  [[maybe_unused]] const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                                   __builtin_cpu_supports("avx512vl");
#endif
#if defined(MULTICAPA_TILES)
  static const bool amx = v4 && offers_tiles();
  static const KernelTables kernel_tables_amx = tables_with_tiles();
  sets.push_back({"amx", &kernel_tables_amx, amx});
#endif
#if defined(MULTICAPA_HAS_V4)
  sets.push_back({"v4", &dense_tables_v4, v4});
#endif
#if defined(MULTICAPA_HAS_V3)
  sets.push_back({"v3", &dense_tables_v3, v3});
#endif
#if defined(MULTICAPA_HAS_V2)
  sets.push_back({"v2", &dense_tables_v2, v2});
#endif
#if defined(MULTICAPA_HAS_BASELINE)
  sets.push_back({"baseline", &dense_tables_baseline, true});
#endif
  return sets;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The best of those the machine has that bear the name, where "" names all; null when there is none.
const KernelTables* find(const std::string& name) {
  for (const InstructionSet& set : instruction_sets())
    if (set.available && (name.empty() || name == set.name)) return set.tables;
  return nullptr;
}

const KernelTables& choose() {
  const char* variable = std::getenv("MULTICAPA_ISA");
  const std::string wanted = variable ? variable : "";
  if (const KernelTables* tables = find(wanted)) return *tables;
  if (wanted.empty()) throw std::runtime_error("multicapa needs a processor of at least x86-64-v2 (SSE4.2 and POPCNT)");
  throw std::runtime_error("MULTICAPA_ISA is \"" + wanted + "\", but this machine offers " +
                           join(available_instruction_sets()) + "; unset it to take the best of them");
}

const KernelTables& chosen() {
  static const KernelTables& tables = choose();
  return tables;
}

}  // namespace

std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> names;
  for (const InstructionSet& set : instruction_sets())
    if (set.available) names.emplace_back(set.name);
  return names;
}

const KernelTables& kernel_tables(const std::string& isa) {
  const KernelTables* tables = isa.empty() ? nullptr : find(isa);
  if (!tables)
    throw std::invalid_argument("there is no instruction set \"" + isa + "\" here; there are " +
                                join(available_instruction_sets()));
  return *tables;
}

template <> const KernelTable<float>& kernels<float>() { return chosen().single_precision; }
template <> const KernelTable<double>& kernels<double>() { return chosen().double_precision; }

}  // namespace multicapa
