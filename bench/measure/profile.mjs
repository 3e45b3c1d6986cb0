import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

/** Records a CPU profile of this process until the returned function is called, which writes it to `file`. */
export async function recordProfile(file) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    await writeFile(file, JSON.stringify(profile));
  };
}
