import type { Terminal } from '../../command.ts';
import { formatSize } from '../format.ts';
import { createLiveArea } from './area.ts';
import { formatRow } from './row.ts';
import { canDraw, screenOf, themeOf } from './screen.ts';
import type { Screen } from './screen.ts';
import { createTransfer, noteTransfer, transferCounts } from './transfer.ts';
import { formatElapsed } from './words.ts';

/** Shows on a terminal how a transfer comes along; elsewhere, and where $TBUILD_PROGRESS asks for something else, nothing. It must be disposed of. */
export interface TransferView extends Disposable {
  note(progress: { readonly label: string; readonly current: number; readonly total: number | undefined }): void;
  /** It is complete, which a line says that stays. */
  done(text: string): void;
}

/** @param text what is done, such as `Importing rootfs.tar` */
export function openTransferView(text: string, { stderr, env }: Pick<Terminal, 'stderr' | 'env'>): TransferView {
  const isWanted = ['', 'auto', 'tty'].includes(env['TBUILD_PROGRESS'] ?? '');
  if (!isWanted || !canDraw({ stderr, env }))
    return { note: () => undefined, done: () => undefined, [Symbol.dispose]: () => undefined };
  const theme = themeOf(env);
  const transfer = createTransfer('');
  const began = performance.now();
  const row = (
    screen: Screen,
    what: { readonly symbol: string; readonly text: string; readonly counts: readonly string[] },
  ): string =>
    formatRow({ ...what, label: '', counts: [formatElapsed(performance.now() - began), ...what.counts] }, screen);
  const area = createLiveArea({
    terminal: stderr,
    theme,
    env,
    // The spinner stands where the row has its symbol.
    frame: (screen) => ({
      head: row(screen, { symbol: ' ', text, counts: transferCounts(transfer, performance.now()) }).slice(2),
      lines: [],
    }),
  });
  const end = (lines: readonly string[]): void => {
    process.off('exit', stop);
    area.end(lines);
  };
  const stop = (): void => end([]);
  process.on('exit', stop);
  return {
    note: (progress) => noteTransfer(transfer, progress, performance.now()),
    done(result) {
      const counts = [formatSize(transfer.tally.current)];
      const line = row(screenOf(stderr, theme), { symbol: theme.symbols.done, text: result, counts });
      end([theme.green(line.slice(0, 1)) + line.slice(1)]);
    },
    [Symbol.dispose]: stop,
  };
}
