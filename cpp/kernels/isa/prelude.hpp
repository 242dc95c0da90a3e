// What stands before the kernels in each of these files. They are compiled once per instruction set, into an object
// library that names it: MULTICAPA_ISA, and the width of its registers, MULTICAPA_VECTOR_BYTES.
//
// Everything sits in an anonymous namespace and uses nothing that has a body in a shared or standard header, so each
// object file exports its tables alone. Otherwise the linker could keep one instruction set's copy of a shared
// inline function for all of them, and crash older processors (numpy #25274, botan #5260).
#pragma once

#if defined(__x86_64__)
// GCC's own header looks uninitialised to GCC where a masked intrinsic has nothing to merge with.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include "base/prefetch.hpp"
#include "kernels/table.hpp"

#define MULTICAPA_QUOTE(isa) #isa
#define MULTICAPA_NAME(isa) MULTICAPA_QUOTE(isa)
#define MULTICAPA_JOIN(part, isa) part##_tables_##isa
#define MULTICAPA_TABLES(part, isa) MULTICAPA_JOIN(part, isa)  // what isa/PART.cpp exports
