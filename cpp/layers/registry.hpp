// One line per layer: its name in a spec and the function that makes it.
#pragma once

#include "layers/layer.hpp"

namespace multicapa {

template <class T> using LayerMaker = std::unique_ptr<Layer<T>> (*)(const Spec&);

#define MULTICAPA_LAYERS(X)                            \
  X(dense, make_dense)                                 \
  X(conv1d, make_conv1d)                               \
  X(conv2d, make_conv2d)                               \
  X(max_pool1d, make_max_pool1d)                       \
  X(max_pool2d, make_max_pool2d)                       \
  X(average_pool1d, make_average_pool1d)               \
  X(average_pool2d, make_average_pool2d)               \
  X(global_max_pool1d, make_global_max_pool1d)         \
  X(global_max_pool2d, make_global_max_pool2d)         \
  X(global_average_pool1d, make_global_average_pool1d) \
  X(global_average_pool2d, make_global_average_pool2d) \
  X(activation, make_activation)                       \
  X(dropout, make_dropout)                             \
  X(embedding, make_embedding)                         \
  X(flatten, make_flatten)                             \
  X(reshape, make_reshape)                             \
  X(add, make_add)                                     \
  X(concat, make_concat)                               \
  X(multiply, make_multiply)                           \
  X(maxout, make_maxout)                               \
  X(batch_norm, make_batch_norm)                       \
  X(layer_norm, make_layer_norm)                       \
  X(gaussian_noise, make_gaussian_noise)               \
  X(simple_rnn, make_simple_rnn)                       \
  X(second_order_rnn, make_second_order_rnn)           \
  X(lstm, make_lstm)                                   \
  X(gru, make_gru)                                     \
  X(attention, make_attention)                         \
  X(positional_encoding, make_positional_encoding)     \
  X(custom, make_custom)                               \
  X(custom_activation, make_custom_activation)

#define MULTICAPA_DECLARE(name, maker) template <class T> std::unique_ptr<Layer<T>> maker(const Spec& spec);
MULTICAPA_LAYERS(MULTICAPA_DECLARE)
#undef MULTICAPA_DECLARE

}  // namespace multicapa
