#include "layers/recurrent/recurrent.hpp"

#include <algorithm>

#include "base/memory.hpp"
#include "layers/recurrent/gathered.hpp"

namespace multicapa {
namespace {

// Rows whose distance is a multiple of a kilobyte would fall into few sets of the cache.
template <class T> Size odd_stride(Size width) { return aligned<T>(width) + aligned<T>(1); }

template <class T> Track<T> over(Matrix<T> m, Size numbers, Arrangement arrangement) {
  const bool columns = arrangement == Arrangement::samples_as_columns;
  return {m.data, columns ? numbers * m.stride : numbers, m.stride, arrangement};
}

double share(const Spec& spec, const char* option) {
  const double rate = spec.number(option, 0);
  if (!(rate >= 0 && rate < 1))
    spec.fail(std::string(option) + " should be at least 0 and below 1, not " + std::to_string(rate));
  return rate;
}

}  // namespace

template <class T>
Recurrent<T>::Recurrent(const Spec& spec, Cell cell)
    : spec_(spec),
      units_(spec.integer("units")),
      cell_(std::move(cell)),
      sequences_(spec.flag("return_sequences", false)),
      reverse_(spec.flag("reverse", false)),
      has_bias_(spec.flag("bias", true)),
      input_dropout_(static_cast<T>(share(spec, "dropout"))),
      state_dropout_(static_cast<T>(share(spec, "recurrent_dropout"))) {
  if (units_ < 1) spec.fail("units should be at least 1, not " + std::to_string(units_));
}

template <class T> LayerPlan Recurrent<T>::plan(const std::vector<Shape>& inputs) {
  if (inputs.empty() || inputs[0].size() != 2)
    spec_.fail("reads sequences of shape (time, features), not samples of shape " + to_string(inputs.at(0)));
  const Size states = cell_.has_cell ? 2 : 1;
  given_states_ = static_cast<Size>(inputs.size()) - 1;
  if (given_states_ > states)
    spec_.fail("begins with " + std::to_string(states) + (states > 1 ? " states" : " state") + " at most, not " +
               std::to_string(given_states_));
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (inputs[i] != Shape{units_})
      spec_.fail("begins with a state of shape " + to_string({units_}) + ", not " + to_string(inputs[i]));
  time_ = inputs[0][0], features_ = inputs[0][1];
  LayerPlan plan;
  plan.output = sequences_ ? Shape{time_, units_} : Shape{units_};
  Layout<T> parameters;
  const auto add = [&](Parameter index, const char* name, const Shape& shape, Size fan_in, bool is_weight) {
    offset_[index] = parameters.place(elements(shape));
    plan.parameters.push_back({name, shape, fan_in, units_, is_weight});
  };
  add(weight, "weight", weight_shape(), features_, true);
  if (elements(recurrent_shape()) > 0) add(recurrent_weight, "recurrent_weight", recurrent_shape(), units_, true);
  if (has_bias_) add(bias, "bias", {cell_.gates * units_}, features_, false);
  if (has_bias_ && cell_.recurrent_biases)
    add(recurrent_bias, "recurrent_bias", {cell_.recurrent_biases * units_}, units_, false);

  Size kept = 0, fixed = 0;
  const auto keep = [&](Size& at, Size numbers) { at = kept, kept += numbers; };
  keep(slots_at_, time_ * cell_.slots * units_);
  keep(cell_at_, cell_.has_cell ? time_ * units_ : 0);
  keep(hidden_at_, sequences_ ? 0 : time_ * units_);
  keep(first_at_, 2 * units_);
  keep(dh_at_, 2 * units_);
  keep(products_at_, products());
  keep(input_mask_at_, input_dropout_ > 0 ? 2 * features_ : 0);
  keep(state_mask_at_, state_dropout_ > 0 ? 2 * units_ : 0);
  const auto reserve = [&](Size& at, Size numbers) { at = fixed, fixed += aligned<T>(numbers); };
  reserve(packed_at_[weight], elements(weight_shape()));
  reserve(packed_at_[recurrent_weight], elements(recurrent_shape()));
  const Size widths[] = {cell_.slots * units_, features_, units_};
  for (int i = 0; i < 3; ++i) gathered_stride_[i] = odd_stride<T>(widths[i]);
  reserve(gathered_at_, gathered_rows * (gathered_stride_[0] + gathered_stride_[1] + gathered_stride_[2]));
  reserve(spare_at_, gathered_rows * gathered_stride_[1]);

  plan.kept_per_row = kept;
  plan.scratch = fixed;
  plan.carried = (cell_.has_cell ? 2 : 1) * units_;
  work_per_step_ = static_cast<double>(elements(weight_shape()) + elements(recurrent_shape()));
  plan.work_per_row = static_cast<double>(time_) * work_per_step_;
  plan.backward_reads_output = sequences_;
  plan.either_arrangement = true;
  plan.stepwise = plan.walks = true;
  return plan;
}

template <class T> typename Recurrent<T>::Frame Recurrent<T>::frame(const Call<T>& call) const {
  const bool columns = call.arrangement == Arrangement::samples_as_columns;
  const Size stride = columns ? call.output.stride : call.kept_stride;
  const auto kept = [&](Size at, Size numbers, bool every_step) {
    const Size step = every_step && call.training ? numbers * (columns ? stride : 1) : 0;
    return Track<T>{call.kept + at * (columns ? stride : 1), step, stride, call.arrangement};
  };
  Frame f{call, call.steps < 0 ? time_ : call.steps};
  f.fixed = call.scratch;
  f.x = over(call.inputs[0], features_, call.arrangement);
  f.dx = over(call.dx[0], features_, call.arrangement);
  f.hidden = sequences_ ? over(call.output, units_, call.arrangement) : kept(hidden_at_, units_, true);
  f.cell = kept(cell_at_, units_, true);
  f.slots = kept(slots_at_, cell_.slots * units_, true);
  f.first = kept(first_at_, units_, false);
  f.first_cell = kept(first_at_ + units_, units_, false);
  f.dh = kept(dh_at_, units_, false);
  f.dcell = kept(dh_at_ + units_, units_, false);
  f.products = kept(products_at_, products(), false);
  if (call.training && input_dropout_ > 0)
    f.input_mask = {kept(input_mask_at_, features_, false), kept(input_mask_at_ + features_, features_, false)};
  if (call.training && state_dropout_ > 0)
    f.state_mask = {kept(state_mask_at_, units_, false), kept(state_mask_at_ + units_, units_, false)};
  return f;
}

// Of the i-th step on the way.
template <class T> Size Recurrent<T>::samples_at(const Frame& frame, Size i) const {
  return frame.call.active ? frame.call.active[time_of(frame, i)] : frame.call.rows;
}

template <class T> typename Recurrent<T>::Step Recurrent<T>::step_at(const Frame& f, Size i) const {
  const Size samples = samples_at(f, i), width = f.call.kernels->vector_width;
  const bool columns = f.call.arrangement == Arrangement::samples_as_columns;
  Step step{time_of(f, i), samples, columns ? (samples + width - 1) / width * width : samples};
  step.x = f.input_mask.masked(f.call, f.x.at(step.t, step.lanes, 0, features_));
  if (i > 0) {
    const Size before = time_of(f, i - 1);
    step.previous = as_const(f.hidden.at(before, step.lanes, 0, units_));
    step.previous_cell = as_const(f.cell.at(before, step.lanes, 0, units_));
  } else if (f.call.carried || given_states_ > 0 || starts_with_one()) {
    step.previous = as_const(f.first.at(0, step.lanes, 0, units_));
    step.previous_cell = as_const(f.first_cell.at(0, step.lanes, 0, units_));
  }
  step.recalled = f.state_mask.masked(f.call, step.previous);
  return step;
}

template <class T> void Recurrent<T>::start(T* carried) const {
  std::fill_n(carried, (cell_.has_cell ? 2 : 1) * units_, T(0));
  if (starts_with_one()) *carried = T(1);
}

// A walk may take seconds: whoever wants to stop is not to wait for its end, which nobody will use then.
template <class T> bool Recurrent<T>::is_over(const Frame& f, const Step& now) const {
  return f.call.interruption &&
         f.call.interruption->look_within_task(work_per_step_ * static_cast<double>(now.samples));
}

// Samples [from, to) have their first step now: where the step looks for the state before, it finds the first one.
template <class T> void Recurrent<T>::begin_samples(const Frame& f, Size i, Size from, Size to) const {
  const Size before = i > 0 ? time_of(f, i - 1) : 0, count = to - from;
  const Track<T>&hidden = i > 0 ? f.hidden : f.first, &cell = i > 0 ? f.cell : f.first_cell;
  const KernelTable<T>& k = *f.call.kernels;
  if (const T* carried = f.call.carried) {
    const Size stride = (cell_.has_cell ? 2 : 1) * units_;
    k.copy({carried + from * stride, count, units_, stride}, hidden.at(before, count, 0, units_, from));
    if (cell_.has_cell)
      k.copy({carried + from * stride + units_, count, units_, stride}, cell.at(before, count, 0, units_, from));
    return;
  }
  if (given_states_ > 0)
    k.copy(given_state(f.call.inputs[1], f, from, count), hidden.at(before, count, 0, units_, from));
  else fill(hidden.at(before, count, 0, units_, from), T(0));
  if (given_states_ == 0 && starts_with_one()) fill(hidden.at(before, count, 0, 1, from), T(1));
  if (!cell_.has_cell) return;
  if (given_states_ > 1) k.copy(given_state(f.call.inputs[2], f, from, count), cell.at(before, count, 0, units_, from));
  else fill(cell.at(before, count, 0, units_, from), T(0));
}

// Of samples [from, from + count), one of the states that are read.
template <class T>
template <class U>
Matrix<U> Recurrent<T>::given_state(Matrix<U> states, const Frame& f, Size from, Size count) const {
  return over(states, units_, f.call.arrangement).at(0, count, 0, units_, from);
}

// The deltas of the states before the first step of samples [from, to), which are those of what has been read. Samples
// without a step end as they begin.
template <class T>
void Recurrent<T>::pass_to_given(const Frame& f, Size from, Size to, Track<T> dh, Track<T> dcell) const {
  const Track<T> deltas[] = {dh, dcell};
  for (Size i = 0; i < given_states_; ++i) {
    const Matrix<T> out = f.call.dx[static_cast<std::size_t>(i + 1)];
    if (!out.data) continue;
    const Matrix<T> part = given_state(out, f, from, to - from);
    const Track<T>& delta = deltas[i];
    if (delta.data) f.call.kernels->copy(as_const(delta.at(0, to - from, 0, units_, from)), part);
    else fill(part, T(0));
  }
}

// Samples [from, to) have had their last step.
template <class T> void Recurrent<T>::end_samples(const Frame& f, Size i, Size from, Size to) const {
  const Size t = time_of(f, i), count = to - from;
  const KernelTable<T>& k = *f.call.kernels;
  const Matrix<const T> state = as_const(f.hidden.at(t, count, 0, units_, from));
  if (!sequences_) k.copy(state, over(f.call.output, units_, f.call.arrangement).at(0, count, 0, units_, from));
  if (!f.call.carried) return;
  const Size stride = (cell_.has_cell ? 2 : 1) * units_;
  k.copy(state, {f.call.carried + from * stride, count, units_, stride});
  if (cell_.has_cell)
    k.copy(as_const(f.cell.at(t, count, 0, units_, from)),
           {f.call.carried + from * stride + units_, count, units_, stride});
}

template <class T> void Recurrent<T>::forward(const Call<T>& call) const {
  const Frame f = frame(call);
  prepare(f, false);
  f.input_mask.draw(call, input_dropout_, 0, features_, features_ + units_);
  f.state_mask.draw(call, state_dropout_, features_, units_, features_ + units_);
  const Size longest = f.steps == 0 ? 0 : call.active ? call.active[0] : call.rows;
  if (!sequences_) {
    const Track<T> output = over(call.output, units_, call.arrangement);
    const Size rest = call.rows - longest;  // which end as they begin
    if (given_states_ > 0)
      call.kernels->copy(given_state(call.inputs[1], f, longest, rest), output.at(0, rest, 0, units_, longest));
    else fill(output.at(0, rest, 0, units_, longest), T(0));
    if (given_states_ == 0 && starts_with_one()) fill(output.at(0, rest, 0, 1, longest), T(1));
  }
  Size before = 0;
  for (Size i = 0; i < f.steps; ++i) {
    const Size samples = samples_at(f, i);
    if (samples > before) begin_samples(f, i, before, samples);
    const Step now = step_at(f, i);
    if (is_over(f, now)) return;
    step(f, now, f.hidden.at(now.t, now.lanes, 0, units_));
    const Size next = i + 1 < f.steps ? std::min(samples_at(f, i + 1), now.samples) : 0;
    if (next < now.samples) end_samples(f, i, next, now.samples);
    before = now.samples;
  }
}

template <class T> void Recurrent<T>::backward(const Call<T>& call) const {
  const Frame f = frame(call);
  prepare(f, true);
  Gathered gathered(*this, f);
  for (Size i = f.steps; i-- > 0;) {
    const Step now = step_at(f, i);
    if (is_over(f, now)) return;
    const bool comes = i + 1 < f.steps && !(call.bptt > 0 && (i + 1) % call.bptt == 0);
    const Size going_on = i + 1 < f.steps ? std::min(samples_at(f, i + 1), now.samples) : 0;
    if (!comes) receive(f, now, 0);
    if (going_on < now.samples && !sequences_) {
      const Size count = now.samples - going_on;
      call.kernels->copy(as_const(over(call.dy, units_, call.arrangement).at(0, count, 0, units_, going_on)),
                         f.dh.at(0, count, 0, units_, going_on));
      if (cell_.has_cell) fill(f.dcell.at(0, count, 0, units_, going_on), T(0));
    } else if (going_on < now.samples) {
      receive(f, now, going_on);
    }
    if (sequences_)
      call.kernels->add(as_const(over(call.dy, units_, call.arrangement).at(now.t, now.samples, 0, units_)),
                        f.dh.at(0, now.samples, 0, units_));
    const Size begun = i > 0 ? samples_at(f, i - 1) : 0;
    const bool begins = given_states_ > 0 && begun < now.samples;
    const bool passes = begins || (i > 0 && !(call.bptt > 0 && i % call.bptt == 0));
    step_back(f, now, as_const(f.hidden.at(now.t, now.lanes, 0, units_)), passes);
    if (f.dx.data && cell_.packs) {
      Term terms[2] = {};
      for (std::size_t r = 0; r < cell_.ranges.size(); ++r) {
        const GateRange range = cell_.ranges[r];
        terms[r] = {range, as_const(f.slots.at(now.t, now.lanes, range.first, range.count))};
      }
      multiply_back(f, weight, terms[0], terms[1], f.dx.at(now.t, now.lanes, 0, features_), false);
    }
    if (f.dx.data) f.input_mask.apply(call, f.dx.at(now.t, now.lanes, 0, features_));
    gathered.push(now);
    if (begins) pass_to_given(f, begun, now.samples, f.dh, f.dcell);
  }
  gathered.flush();
  if (given_states_ == 0) return;
  const Size longest = f.steps == 0 ? 0 : samples_at(f, reverse_ ? f.steps - 1 : 0);
  pass_to_given(f, longest, call.rows, sequences_ ? Track<T>{} : over(call.dy, units_, call.arrangement), {});
}

// Nothing comes from later steps for samples from `from` on.
template <class T> void Recurrent<T>::receive(const Frame& f, const Step& now, Size from) const {
  fill(f.dh.at(0, now.samples - from, 0, units_, from), T(0));
  if (cell_.has_cell) fill(f.dcell.at(0, now.samples - from, 0, units_, from), T(0));
}

// Copies of the weights in the order in which the products of this call read them.
template <class T> void Recurrent<T>::prepare(const Frame& f, bool backward) const {
  if (!cell_.packs) return;
  const KernelTable<T>& k = *f.call.kernels;
  const Size in[] = {features_, units_}, width = cell_.gates * units_;
  for (const Parameter p : {weight, recurrent_weight}) {
    const T* w = parameter(f, p);
    T* packed = f.fixed + packed_at_[p];
    if (f.call.arrangement == Arrangement::samples_as_rows) {
      if (backward) k.transpose({w, in[p], width, width}, packed, in[p]);
      continue;
    }
    for (const GateRange r : cell_.ranges)
      if (backward) k.recurrent->pack(w + r.first, width, 1, in[p], r.count, packed + r.first * in[p]);
      else k.recurrent->pack(w + r.first, 1, width, r.count, in[p], packed + r.first * in[p]);
  }
}

template <class T>
void Recurrent<T>::multiply(const Frame& f, GateRange range, Matrix<const T> x, Matrix<const T> h, const T* b,
                            Matrix<T> z, bool accumulate) const {
  const KernelTable<T>& k = *f.call.kernels;
  const Matrix<const T> operands[] = {x, h};
  const Size in[] = {features_, units_}, width = cell_.gates * units_;
  if (f.call.arrangement == Arrangement::samples_as_columns) {
    PackedProduct<T> product{range.count, z.columns, b, {}, z.data, z.stride, accumulate};
    for (const Parameter p : {weight, recurrent_weight})
      if (operands[p].data)
        product.terms[p] = {f.fixed + packed_at_[p] + range.first * in[p], operands[p].data, operands[p].stride, in[p]};
    return k.recurrent->multiply_packed(product);
  }
  for (const Parameter p : {weight, recurrent_weight}) {
    if (!operands[p].data && (p == recurrent_weight || h.data)) continue;
    k.gemm({z.rows, range.count, operands[p].data ? in[p] : 0}, operands[p].data, operands[p].stride, 1,
           parameter(f, p) + range.first, width, {b, nullptr}, z.data, z.stride, accumulate);
    accumulate = true;
  }
}

template <class T>
void Recurrent<T>::multiply_back(const Frame& f, Parameter p, Term a, Term b, Matrix<T> out, bool accumulate) const {
  const KernelTable<T>& k = *f.call.kernels;
  const Size in = p == weight ? features_ : units_;
  const T* packed = f.fixed + packed_at_[p];
  const Term terms[] = {a, b};
  if (f.call.arrangement == Arrangement::samples_as_columns) {
    PackedProduct<T> product{in, out.columns, nullptr, {}, out.data, out.stride, accumulate};
    for (int i = 0; i < 2; ++i)
      if (terms[i].dz.data)
        product.terms[i] = {packed + terms[i].range.first * in, terms[i].dz.data, terms[i].dz.stride,
                            terms[i].range.count};
    return k.recurrent->multiply_packed(product);
  }
  for (const Term& term : terms) {
    if (!term.dz.data) continue;
    k.gemm({out.rows, in, term.range.count}, term.dz.data, term.dz.stride, 1, packed + term.range.first * in, in, {},
           out.data, out.stride, accumulate);
    accumulate = true;
  }
}

template <class T> void Recurrent<T>::sum_all(const Frame& f, const Step& s) const {
  multiply(f, {0, cell_.gates * units_}, s.x, s.recalled, has_bias_ ? parameter(f, bias) : nullptr,
           slot(f, s, 0, cell_.gates));
}

template <class T> void Recurrent<T>::pass_all_back(const Frame& f, const Step& s) const {
  const Term deltas{{0, cell_.gates * units_}, as_const(slot(f, s, 0, cell_.gates))};
  const Matrix<T> dh = f.dh.at(0, s.lanes, 0, units_);
  multiply_back(f, recurrent_weight, deltas, {}, dh, false);
  f.state_mask.apply(f.call, dh);
}

template <class T>
void Recurrent<T>::add_gradients(const Frame& f, Matrix<const T> deltas, Matrix<const T> x, Matrix<const T> previous,
                                 bool accumulate) const {
  add_product(f, weight, x, deltas, 0, accumulate);
  add_product(f, recurrent_weight, previous, deltas, 0, accumulate);
  if (has_bias_) add_sum(f, bias, deltas, accumulate);
}

template <class T>
void Recurrent<T>::add_product(const Frame& f, Parameter p, Matrix<const T> a, Matrix<const T> d, Size first,
                               bool accumulate) const {
  f.call.kernels->gemm({a.columns, d.columns, a.rows}, a.data, 1, a.stride, d.data, d.stride, {},
                       f.call.gradients + offset_[p] + first, cell_.gates * units_, accumulate);
}

template <class T> void Recurrent<T>::add_sum(const Frame& f, Parameter p, Matrix<const T> d, bool accumulate) const {
  f.call.kernels->column_sum(d, f.call.gradients + offset_[p], accumulate);
}

template class Recurrent<float>;
template class Recurrent<double>;

}  // namespace multicapa
