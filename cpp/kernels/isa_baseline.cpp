#define MULTICAPA_ISA baseline
#define MULTICAPA_VECTOR_BYTES 16
#include "kernels/isa.inl"
