// Conversions and the row-wise operators. Included once per instruction set, inside LLM_OPS_ISA;
// everything here has that namespace's linkage, and no standard header with inline functions may be
// included: the linker would keep one copy of those, perhaps the one with instructions this machine
// lacks.
#ifndef PLUGINS_LLM_OPS_CPU_ELEMENTWISE_IMPL_H_
#define PLUGINS_LLM_OPS_CPU_ELEMENTWISE_IMPL_H_

#include "kernels.h"

namespace llm_ops {
namespace LLM_OPS_ISA {

inline float ToFloat(float x) { return x; }

inline float ToFloat(Bf16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

inline void Store(float x, float* out) { *out = x; }

// Round to nearest, ties to even; a NaN stays one.
inline void Store(float x, Bf16* out) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = (bits >> 16) | 0x40u;
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  out->bits = static_cast<uint16_t>(is_nan ? quiet_nan : rounded);
}

// e^x to about 2 ulp, branch-free so that loops around it vectorise. Below -87 the result is 0,
// above 88 it saturates.
inline float Exp(float x) {
  const float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
  // x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to the nearest integer.
  const float magic = 12582912.0f;
  const float shifted = clamped * 1.44269504f + magic;
  const float n = shifted - magic;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const uint32_t exponent = (static_cast<uint32_t>(static_cast<int32_t>(n)) + 127u) << 23;
  float power;
  __builtin_memcpy(&power, &exponent, sizeof(power));
  const float result = p * power;
  return x < -87.0f ? 0.0f : result;
}

template <typename T>
void RmsNorm(const T* x, const T* weight, T* out, int64_t rows, int64_t dim, float eps) {
  for (int64_t row = 0; row < rows; ++row, x += dim, out += dim) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < dim; ++i) sum += ToFloat(x[i]) * ToFloat(x[i]);
    const float factor = 1.0f / __builtin_sqrtf(sum / static_cast<float>(dim) + eps);
#pragma omp simd
    for (int64_t i = 0; i < dim; ++i) Store(ToFloat(x[i]) * factor * ToFloat(weight[i]), &out[i]);
  }
}

// Pairs are (i, i + half), as in GPT-NeoX and Llama.
template <typename T>
void Rope(const T* x, const float* cosines, const float* sines, T* out, int64_t heads,
          int64_t half) {
  for (int64_t head = 0; head < heads; ++head, x += 2 * half, out += 2 * half) {
#pragma omp simd
    for (int64_t i = 0; i < half; ++i) {
      const float first = ToFloat(x[i]);
      const float second = ToFloat(x[i + half]);
      Store(first * cosines[i] - second * sines[i], &out[i]);
      Store(second * cosines[i] + first * sines[i], &out[i + half]);
    }
  }
}

template <typename T>
void SwiGlu(const T* gate, const T* up, T* out, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    const float g = ToFloat(gate[i]);
    Store(g / (1.0f + Exp(-g)) * ToFloat(up[i]), &out[i]);
  }
}

// Turns `size` scores into weights that sum to 1, in place.
inline void SoftmaxRow(float* row, int64_t size) {
  float largest = row[0];
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < size; ++i) largest = row[i] > largest ? row[i] : largest;
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) {
    const float e = Exp(row[i] - largest);
    row[i] = e;
    sum += e;
  }
  const float factor = 1.0f / sum;
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) row[i] *= factor;
}

template <typename T>
void Softmax(const T* x, T* out, int64_t rows, int64_t dim) {
  if (dim == 0) return;
  for (int64_t row = 0; row < rows; ++row, x += dim, out += dim) {
    float largest = ToFloat(x[0]);
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < dim; ++i) {
      const float value = ToFloat(x[i]);
      largest = value > largest ? value : largest;
    }
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < dim; ++i) sum += Exp(ToFloat(x[i]) - largest);
    const float factor = 1.0f / sum;
#pragma omp simd
    for (int64_t i = 0; i < dim; ++i) Store(Exp(ToFloat(x[i]) - largest) * factor, &out[i]);
  }
}

}  // namespace LLM_OPS_ISA
}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_CPU_ELEMENTWISE_IMPL_H_
