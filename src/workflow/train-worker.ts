import { loadBackend } from '../backend/load.js';
import { SHARED_FILE, serveParent } from '../backend/native/worker.js';
import { sharedFloats } from '../io/shared-floats.js';
import { openModelFolder } from '../model/load.js';
import { serve } from '../train/distributed/serve.js';
import { loraTuner } from '../train/lora-tuner.js';

// A process of a run on several devices: `startDevices` starts one for every device but the first.
serve({
  link: serveParent(),
  shared: sharedFloats(SHARED_FILE),
  async open({ model, device, card, verbose, ...options }) {
    const backend = await loadBackend({ device, card, verbose });
    return loraTuner({ ...options, backend, model: await openModelFolder(model) });
  },
});
