import type { Terminal } from '../../command.ts';
import type { Progress } from '../progress.ts';
import { createLiveArea } from './area.ts';
import { formatFrame } from './frame.ts';
import { createLiveModel } from './model.ts';
import { formatLasting, formatStopped } from './lasting.ts';
import type { View } from './lasting.ts';
import { screenOf, themeOf } from './screen.ts';

/** Shows a build on a terminal: what runs at its lower end, what has ended above it. Ends by itself when the process does. */
export function ttyProgress({ stderr, signal, env }: Pick<Terminal, 'stderr' | 'signal' | 'env'>): Progress {
  const theme = themeOf(env);
  const model = createLiveModel(performance.now());
  /** Left behind last, where it is not overlooked. */
  const failures: string[] = [];
  const area = createLiveArea({
    terminal: stderr,
    theme,
    env,
    frame: (screen) =>
      formatFrame(model, screen, { now: performance.now(), isStopping: signal.aborted || failures.length > 0 }),
  });
  const view = (): View => ({ screen: screenOf(stderr, theme), now: performance.now() });
  const end = (): void => {
    process.off('exit', end);
    const stopped = [...model.running.values()].flatMap((activity) => formatStopped(activity, view()));
    area.end([...stopped, ...failures]);
  };
  // A second Ctrl-C ends the process at once.
  process.on('exit', end);
  return {
    handle(event) {
      const lines = formatLasting(event, model, view());
      model.apply(event, performance.now());
      if (event.type === 'step:error') failures.push(...lines);
      else area.write(lines);
    },
    end,
  };
}
