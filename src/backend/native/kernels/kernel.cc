#include "kernel.h"

#include <cstdio>
#include <cstdlib>

namespace phasetune {
namespace {

void unknown_shape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

void check(const char* name, TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) return;
  std::fprintf(stderr, "phasetune: %s cannot be registered: %s\n", name, TF_Message(status));
  std::abort();
}

template <typename T, typename Read>
T attribute(TF_OpKernelConstruction* construction, const char* name, Read read) {
  TF_Status* status = TF_NewStatus();
  T value = 0;
  read(construction, name, &value, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return value;
}

}  // namespace

int64_t int_attribute(TF_OpKernelConstruction* construction, const char* name) {
  return attribute<int64_t>(construction, name, TF_OpKernelConstruction_GetAttrInt64);
}

float float_attribute(TF_OpKernelConstruction* construction, const char* name) {
  return attribute<float>(construction, name, TF_OpKernelConstruction_GetAttrFloat);
}

void* window_of(TF_OpKernelConstruction* construction) {
  return new int64_t(int_attribute(construction, "window"));
}
void forget_window(void* window) { delete static_cast<int64_t*>(window); }

bool add(const Op& op) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(op.name);
  for (const char* attribute : op.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  for (const char* input : op.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char* output : op.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknown_shape);
  TF_RegisterOpDefinition(definition, status);
  check(op.name, status);
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(op.name, "CPU", op.create, op.compute, op.destroy);
  TF_RegisterKernelBuilder(op.name, kernel, status);
  check(op.name, status);
  TF_DeleteStatus(status);
  return true;
}

}  // namespace phasetune
