export { type DeviceChoice, deviceOption } from '../backend/device.js';
