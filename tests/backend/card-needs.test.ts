import { expect, test } from 'vitest';
import { cardNotes, cudaTooOld, oldCards, olderCudaDoes, packagesFor } from '../../src/backend/native/card-needs.js';
import { findCards } from '../../src/backend/native/detect.js';
import { fakeMachine, putProgram } from '../helpers/fake-machine.js';

const card = (capability?: string) => ({ name: 'NVIDIA Test', driver: '570.86', ...(capability && { capability }) });

const REQUIREMENTS = [
  'nvidia-cublas-cu12<13.0,>=12.5.3.2',
  'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
  'nvidia-curand-cu12<11.0,>=10.3.6.82',
  'nvidia-nccl-cu12<3.0,>=2.27.7',
];
const [CUBLAS, CUDNN] = REQUIREMENTS;

test.each([
  [[], [CUBLAS, CUDNN]],
  [[undefined], [CUBLAS, CUDNN]],
  [['6.1'], ['nvidia-cublas-cu12==12.5.3.2', 'nvidia-cudnn-cu12==9.3.0.75']],
  [['7.5'], ['nvidia-cublas-cu12==12.5.3.2', 'nvidia-cudnn-cu12==9.3.0.75']],
  [['8.6'], ['nvidia-cublas-cu12==12.5.3.2', CUDNN]],
  [['9.0'], ['nvidia-cublas-cu12==12.5.3.2', CUDNN]],
  [['12.0'], [CUBLAS, CUDNN]],
  [
    ['8.9', '10.0'],
    [CUBLAS, CUDNN],
  ],
  [
    ['8.9', undefined],
    [CUBLAS, CUDNN],
  ],
])('cards of %o: what is fetched', (capabilities, packages) => {
  expect(packagesFor(REQUIREMENTS, capabilities.map(card))).toEqual(packages);
});

test('a card is too old only where no other one is new enough', () => {
  expect(oldCards([])).toBeUndefined();
  expect(oldCards([card()])).toBeUndefined();
  expect(oldCards([card('5.2'), card('6.0')])).toBeUndefined();
  expect(oldCards([card('3.5'), card('5.2')])?.what).toContain('compute capability 6.0 or newer');
});

test('CUDA from before Blackwell is too old for Blackwell only', () => {
  expect(cudaTooOld('12.5', [card('9.0')])).toBeUndefined();
  expect(cudaTooOld('12.9', [card('12.0')])).toBeUndefined();
  expect(cudaTooOld(undefined, [card('12.0')])).toBeUndefined();
  expect(cudaTooOld('12.5', [card('8.9'), card('10.0')])?.what).toBe(
    'the libraries of CUDA 12.5 that are set up have no code for the NVIDIA Test (compute capability 10.0)',
  );
  expect(olderCudaDoes([])).toBe(false);
});

test('what to expect is said for cards without machine code and for those before Ampere', () => {
  for (const capability of ['8.0', '8.6', '8.9', '5.2', undefined]) expect(cardNotes(card(capability))).toEqual([]);
  for (const capability of ['9.0', '12.0']) expect(cardNotes(card(capability))[0]).toContain('~/.nv/ComputeCache');
  for (const capability of ['6.1', '7.5']) expect(cardNotes(card(capability))[0]).toContain('no flash attention');
});

test('every card is asked for its compute capability, and an old driver without it', async () => {
  const machine = fakeMachine({ python: false, compiler: false });
  try {
    putProgram(machine, 'nvidia-smi', `console.log('A, 570.86, 8.9\\nB, 570.86, 12.0');`);
    expect(await findCards(machine.env)).toEqual([
      { name: 'A', driver: '570.86', capability: '8.9' },
      { name: 'B', driver: '570.86', capability: '12.0' },
    ]);
    const old = `if (process.argv.some((word) => word.includes('compute_cap'))) process.exit(2);`;
    putProgram(machine, 'nvidia-smi', `${old}\nconsole.log('A, 470.82');`);
    expect(await findCards(machine.env)).toEqual([{ name: 'A', driver: '470.82' }]);
  } finally {
    machine.remove();
  }
});
