#define MULTICAPA_ISA v2
#define MULTICAPA_VECTOR_BYTES 16
#include "kernels/isa.inl"
