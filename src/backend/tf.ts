/** The one door to TensorFlow.js for everything above the backend: `import * as tf from '../backend/tf.js'`. */
export * from '@tensorflow/tfjs';
