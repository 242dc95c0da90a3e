// Letting go of the GIL and taking it again. A thread that asks an interpreter for it which is ending never gets it:
// up to Python 3.13 it is unwound, which no destructor survives, later it waits for the end. Here it always waits.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace multicapa {

[[noreturn]] inline void wait_for_the_end() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

inline bool interpreter_is_ending() {
  return !Py_IsInitialized();  // no more from the beginning of its end
}

// Runs C functions of Python's, which throw nothing, so what comes through them is the end.
template <class Call> auto or_the_end(Call call) {
  try {
    return call();
  } catch (...) {
    wait_for_the_end();
  }
}

template <class Take> auto take_gil(Take take) {
  if (interpreter_is_ending()) wait_for_the_end();
  return or_the_end(take);
}

// function(arguments…), where Python may let go of the GIL and take it again.
template <class... Objects> pybind11::object call_python(pybind11::handle function, const Objects&... arguments) {
  PyObject* const result =
      or_the_end([&] { return PyObject_CallFunctionObjArgs(function.ptr(), arguments.ptr()..., nullptr); });
  if (!result) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(result);
}

inline pybind11::object call_python_with(pybind11::handle function, const pybind11::tuple& arguments,
                                         const pybind11::dict& named) {
  PyObject* const result = or_the_end([&] { return PyObject_Call(function.ptr(), arguments.ptr(), named.ptr()); });
  if (!result) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(result);
}

class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    take_gil([this] { PyEval_RestoreThread(state_); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* const state_;
};

class WithGil {
 public:
  WithGil() : state_(take_gil([] { return PyGILState_Ensure(); })) {}
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  const PyGILState_STATE state_;
};

}  // namespace multicapa
