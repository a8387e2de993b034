import { describe, expect, it } from 'vitest';
import { clusterOf, opEvent, productOf, summarise } from '../../scripts/bench/profile-log.js';

/** Lines as TensorFlow 2.21's executor writes them, shortened where nothing is read. */
const line = (at: string, what: string, node: number, run: number, op: string, thread = 7) =>
  `I0000 00:00:1795449827.${at}   ${thread} executor.cc:879] ${what}: ${node} step ${run} {{node n${node}}} = ${op}(n1, n2) device: /job:localhost`;
const PRODUCT = '_MklMatMul[T=DT_BFLOAT16, transpose_a=false]';
const CALL = 'PartitionedCall[Tin=[DT_BFLOAT16, DT_FLOAT], Tout=[DT_BFLOAT16], config="", f=f2aa942[]]';

describe("the executor's log", () => {
  it('tells op, type, function, thread and time', () => {
    expect(opEvent(line('681566', 'Process node', 375, 6, PRODUCT))).toEqual({
      run: 6,
      node: 375,
      begins: true,
      at: 1795449827681.566,
      thread: '7',
      op: 'MatMul bfloat16',
    });
    const done = opEvent(line('681566', 'Async kernel done', 3, 6, CALL));
    expect(done).toMatchObject({ begins: false, op: 'PartitionedCall', calls: 'f2aa942' });
    expect(opEvent('I0000 00:00:1795449827.479529   15145 reader.cc:52] Reading meta graph')).toBeUndefined();
    expect(opEvent('tiny-10m: 4 steps in 2.9 s, 0.037 s, loss 9.0482')).toBeUndefined();
  });

  it('is added up over the runs of the step, the first three left out', () => {
    const runs = [1, 2, 3, 4, 5].flatMap((run) => [
      line(`${run}00000`, 'Process node', 1, run, PRODUCT),
      line(`${run}00200`, 'Process node', 2, run, CALL, 8),
      line(`${run}01000`, 'Synchronous kernel done', 1, run, PRODUCT),
      line(`${run}01200`, 'Async kernel done', 2, run, CALL, 9),
    ]);
    const other = [6, 7, 8, 9].flatMap((run) => [
      line(`${run}00000`, 'Process node', 1, run, PRODUCT),
      line(`${run}50000`, 'Synchronous kernel done', 1, run, PRODUCT),
    ]);
    const events = [...runs, ...other].map((text) => opEvent(text)!);
    const product = { ms: 0.8, name: '8x4 by 4x2 bf16', flop: 128 };
    const products = [1795449827100.1, 1795449827400.1, 1795449827500.1].map((at) => ({ ...product, at }));
    const { steps, wallMs, ops, clusters, sizes, busy } = summarise(events, products);
    expect(steps).toBe(2);
    expect(wallMs).toBeCloseTo(1.2, 3);
    expect(ops.map(({ name, count }) => [name, count])).toEqual(
      expect.arrayContaining([
        ['MatMul bfloat16', 1],
        ['PartitionedCall', 1],
      ]),
    );
    expect(ops.map(({ share }) => share)).toEqual([expect.closeTo(0.5, 3), expect.closeTo(0.5, 3)]);
    expect(clusters).toEqual([expect.objectContaining({ name: 'f2aa942', count: 1, ms: expect.closeTo(1, 3) })]);
    expect(sizes).toEqual([
      { name: '8x4 by 4x2 bf16', count: 1, ms: expect.closeTo(0.8), gflops: expect.closeTo(1.6e-4) },
    ]);
    expect(busy).toEqual([expect.closeTo(0.833, 2), expect.closeTo(0.833, 2)]);
  });

  it('is refused when no run comes often enough', () => {
    const events = [opEvent(line('1', 'Process node', 1, 1, PRODUCT))!];
    expect(() => summarise(events, [])).toThrow('ask for more steps');
  });
});

describe("oneDNN's log", () => {
  it('tells the sizes and the work of a product', () => {
    const text =
      'onednn_verbose,v1,1795450357031.5,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,src:bf16::blocked:abcd::f0 wei:bf16::blocked:abdc::f0 dst:bf16::blocked:abcd::f0,attr-scratchpad:user,,4x3x128x64:4x3x64x32,0.25';
    expect(productOf(text)).toEqual({
      at: 1795450357031.5,
      ms: 0.25,
      name: '4x3x128x64 by 4x3x64x32 bf16',
      flop: 2 * 4 * 3 * 128 * 64 * 32,
    });
    expect(productOf('onednn_verbose,v1,info,gpu,runtime:none')).toBeUndefined();
    expect(productOf('{"shape":"tiny-10m"}')).toBeUndefined();
  });
});

describe('a module that XLA compiled', () => {
  it('is told by its ops, each once, and what goes in and out', () => {
    const text = [
      'HloModule f2aa942cb__.2, alias_passthrough_params=true, entry_computation_layout={(bf16[128,256]{1,0}, /*index=1*/f32[]{:T(2)}, pred[4]{0})->(bf16[128,256]{1,0}, s32[2]{0})}',
      '  %n1.1 = f32[128,256]{1,0} multiply(%n0.1, %n0.1), metadata={op_type="Square" op_name="n1" source_line=10}',
      '  %n4.10 = f32[128,256]{1,0} convert(%n1.1), metadata={op_type="Mean" op_name="n4"}',
      '  %n4.11 = f32[] constant(0), metadata={op_type="Mean" op_name="n4"}',
    ].join('\n');
    expect(clusterOf(text)).toEqual({
      name: 'f2aa942cb',
      does: 'Square Mean: (bf16[128,256], f32[], pred[4])->(bf16[128,256], s32[2])',
      bytes: 2 * 2 * 128 * 256 + 4 + 4 + 8,
    });
  });
});
