/** What the passes and the forecast of memory need to know of an op beyond the shapes of its outputs. */
export type Trait =
  /** Costs a pass over memory by itself, and next to nothing where its inputs are made or its result is used. */
  | 'pointwise'
  /** Costs nothing, but may stand between pointwise ops: it is fused along with them. */
  | 'free'
  /** Always computes in bfloat16 under that precision; the sums inside are float32. */
  | 'product'
  /**
   * Computes in bfloat16 when all that it takes is bfloat16 already: it moves elements, or rounds
   * once. Additions are not among them: the residual stream is a sum over all layers, and its
   * roundings add up (at 24 layers logits are off by 1.2 % instead of 0.7).
   */
  | 'keepsType'
  /** Takes and gives the types that its attributes name. */
  | 'ownTypes'
  /** Puts elements into its first input in place, and computes in that input's type. */
  | 'typeOfFirst'
  /** Gives something else each time, or acts: two of them are never one. */
  | 'stateful'
  /** Its result is its first input's memory, or a variable's. */
  | 'alias'
  /** Writes its result over an input of its size that nothing else needs. */
  | 'overwrites'
  /** Takes no memory by itself: what is fed or constant is small. */
  | 'unbilled'
  /** A compiled function that holds it keeps one tensor of the size of its input, in float32, while it runs. */
  | 'workspace'
  /** As `workspace`, on a processor only: for a card XLA makes no loop of it that stores what comes between. */
  | 'loopWorkspace';

interface OpFacts {
  readonly traits?: readonly Trait[];
  /**
   * Names of the outputs in TensorFlow's op definition, by which nodes inside of functions name
   * them; default `output`.
   */
  readonly outputs?: readonly string[];
  /** Numbers of the inputs that it takes in float32, whatever type it computes in. */
  readonly float32Inputs?: readonly number[];
  /** Numbers of the outputs that are float32, whatever type it computes in. */
  readonly float32Outputs?: readonly number[];
}

/**
 * Ops of which there is more to know than their shapes. One that is missing here still works: in
 * float32, by itself, into separate memory. A row is needed where TensorFlow does not call its
 * output `output`, or it can be in no fused part.
 */
const OPS: ReadonlyMap<string, OpFacts> = new Map(
  Object.entries<OpFacts>({
    // Fed, held or constant.
    Const: { traits: ['unbilled'] },
    Placeholder: { traits: ['stateful', 'unbilled'] },
    VarHandleOp: { traits: ['alias', 'unbilled'], outputs: ['resource'] },
    ReadVariableOp: { traits: ['stateful', 'alias', 'unbilled'], outputs: ['value'] },
    AssignVariableOp: { traits: ['stateful'] },
    DeepCopy: { outputs: ['y'] },
    // Products.
    MatMul: { traits: ['product'], outputs: ['product'] },
    BatchMatMul: { traits: ['product'] },
    BatchMatMulV2: { traits: ['product'] },
    // Element by element.
    AddV2: { traits: ['pointwise', 'overwrites'], outputs: ['z'] },
    Sub: { traits: ['pointwise', 'keepsType', 'overwrites'], outputs: ['z'] },
    Mul: { traits: ['pointwise', 'keepsType', 'overwrites'], outputs: ['z'] },
    Div: { traits: ['pointwise', 'overwrites'], outputs: ['z'] },
    RealDiv: { traits: ['pointwise', 'overwrites'], outputs: ['z'] },
    FloorDiv: { outputs: ['z'] },
    FloorMod: { outputs: ['z'] },
    Maximum: { traits: ['pointwise', 'overwrites'], outputs: ['z'] },
    Minimum: { traits: ['pointwise', 'overwrites'], outputs: ['z'] },
    AddN: { traits: ['overwrites'], outputs: ['sum'] },
    Neg: { traits: ['pointwise', 'keepsType', 'overwrites'], outputs: ['y'] },
    Abs: { traits: ['overwrites'], outputs: ['y'] },
    Square: { traits: ['pointwise', 'overwrites'], outputs: ['y'] },
    Sqrt: { traits: ['pointwise', 'overwrites'], outputs: ['y'] },
    Rsqrt: { traits: ['pointwise', 'overwrites'], outputs: ['y'] },
    Exp: { traits: ['pointwise', 'overwrites'], outputs: ['y'] },
    Expm1: { outputs: ['y'] },
    Log: { traits: ['overwrites'], outputs: ['y'] },
    Log1p: { outputs: ['y'] },
    Round: { outputs: ['y'] },
    Floor: { outputs: ['y'] },
    Sin: { traits: ['overwrites'], outputs: ['y'] },
    Cos: { traits: ['overwrites'], outputs: ['y'] },
    Sigmoid: { traits: ['pointwise', 'overwrites', 'workspace'], outputs: ['y'] },
    Tanh: { outputs: ['y'] },
    SigmoidGrad: { outputs: ['z'] },
    TanhGrad: { outputs: ['z'] },
    BitwiseAnd: { outputs: ['z'] },
    BitwiseOr: { outputs: ['z'] },
    BitwiseXor: { outputs: ['z'] },
    LeftShift: { outputs: ['z'] },
    RightShift: { outputs: ['z'] },
    Select: { traits: ['overwrites'] },
    Greater: { outputs: ['z'] },
    GreaterEqual: { outputs: ['z'] },
    Less: { outputs: ['z'] },
    LessEqual: { outputs: ['z'] },
    Equal: { outputs: ['z'] },
    NotEqual: { outputs: ['z'] },
    LogicalAnd: { outputs: ['z'] },
    LogicalOr: { outputs: ['z'] },
    LogicalNot: { outputs: ['y'] },
    Cast: { outputs: ['y'] },
    ZerosLike: { outputs: ['y'] },
    OnesLike: { outputs: ['y'] },
    Low: { traits: ['pointwise'] },
    // Over an axis.
    Sum: { traits: ['workspace'] },
    Mean: { traits: ['workspace'] },
    Max: { traits: ['workspace'] },
    Cumsum: { outputs: ['out'] },
    Softmax: { traits: ['overwrites', 'workspace'], outputs: ['softmax'] },
    LogSoftmax: { outputs: ['logsoftmax'] },
    SparseSoftmaxCrossEntropyWithLogits: { traits: ['overwrites', 'loopWorkspace'], outputs: ['loss', 'backprop'] },
    TopKV2: { outputs: ['values', 'indices'] },
    // Arrangement of elements.
    Reshape: { traits: ['free', 'keepsType', 'alias'] },
    Identity: { traits: ['keepsType', 'alias'] },
    ExpandDims: { traits: ['keepsType', 'alias'] },
    Squeeze: { traits: ['keepsType', 'alias'] },
    Bitcast: { traits: ['alias'] },
    Transpose: { traits: ['keepsType'], outputs: ['y'] },
    ConcatV2: { traits: ['keepsType'] },
    Slice: { traits: ['keepsType'] },
    Split: { traits: ['keepsType'] },
    SplitV: { traits: ['keepsType'] },
    StridedSlice: { traits: ['keepsType'] },
    Pack: { traits: ['keepsType'] },
    Unpack: { traits: ['keepsType'] },
    Tile: { traits: ['keepsType'] },
    GatherV2: { traits: ['keepsType'] },
    // Kernels of ours: backend/native/kernels.
    PhasetuneRowProducts: { traits: ['product'], outputs: ['products'] },
    PhasetuneGatedProducts: { traits: ['product'], outputs: ['product'] },
    PhasetuneAddRmsNorm: {
      traits: ['product'],
      outputs: ['sum', 'normed'],
      float32Inputs: [0, 2],
      float32Outputs: [0],
    },
    PhasetuneAttention: { traits: ['ownTypes'], outputs: ['results'] },
    PhasetuneAttentionGradient: { traits: ['ownTypes'], outputs: ['results'] },
    PhasetuneCachedAttention: {
      traits: ['product'],
      outputs: ['attended', 'new_keys', 'new_values'],
      float32Inputs: [5, 6],
    },
    PhasetuneCrossEntropy: {
      traits: ['product', 'overwrites'],
      outputs: ['loss', 'slope'],
      float32Outputs: [0],
    },
    // Only in compiled functions.
    XlaOptimizationBarrier: { traits: ['alias'] },
    XlaCustomCallV2: { traits: ['ownTypes'], outputs: ['results'] },
    InplaceUpdate: { traits: ['typeOfFirst', 'alias'], outputs: ['y'] },
  }),
);

/** True when the op of this name has the trait. */
export const hasTrait = (op: string, trait: Trait): boolean => OPS.get(op)?.traits?.includes(trait) ?? false;

/** TensorFlow's names of the outputs of an op that has several, or one that is not called `output`. */
export const outputNames = (op: string): readonly string[] | undefined => OPS.get(op)?.outputs;

/** True when the op takes this input in float32, whatever type it computes in. */
export const takesFloat32 = (op: string, input: number): boolean =>
  OPS.get(op)?.float32Inputs?.includes(input) ?? false;

/** True when the op gives this output in float32, whatever type it computes in. */
export const givesFloat32 = (op: string, output: number): boolean =>
  OPS.get(op)?.float32Outputs?.includes(output) ?? false;
