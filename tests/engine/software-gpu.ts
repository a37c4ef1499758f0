/**
 * WebGPU without a GPU: SwiftShader computes Vulkan on the CPU, and Debian's chromium brings it together with the Vulkan loader. Set up
 * before the first session; where there is a GPU, or someone chose a driver, nothing is changed.
 */
import { existsSync } from 'node:fs';
import koffi from 'koffi';
import { nativeApiProblem } from '../../src/engine/onnx/library.ts';

const FOLDER = '/usr/lib/chromium';
/** The loader, held: onnxruntime asks for it by this name, and finds it loaded. */
let loader: unknown;

export function useSoftwareGpu(): void {
  const driver = `${FOLDER}/vk_swiftshader_icd.json`;
  const chosen = process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES'];
  const gpu = existsSync('/dev/dri') || existsSync('/dev/nvidia0');
  if (loader || chosen || gpu || !existsSync(driver) || !existsSync(`${FOLDER}/libvulkan.so.1`)) return;
  process.env['VK_ICD_FILENAMES'] = driver;
  nativeApiProblem(); // koffi takes the engine's settings before its first use only
  loader = koffi.load(`${FOLDER}/libvulkan.so.1`);
}
