#define MULTICAPA_ISA v3
#define MULTICAPA_VECTOR_BYTES 32
#include "kernels/isa.inl"
