#define MULTICAPA_ISA v4
#define MULTICAPA_VECTOR_BYTES 64
#include "kernels/isa.inl"
