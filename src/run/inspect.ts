import { join } from 'node:path';
import { inspectImage } from '../image/inspect.ts';
import type { ImageInspection } from '../image/inspect.ts';
import type { Store } from '../store/types.ts';
import { findContainer } from './container.ts';
import type { ContainerRecord } from './container.ts';

/** What `docker inspect` says of a container, as far as it applies: state, and the directories of its overlay. */
export interface ContainerInspection {
  readonly Id: string;
  readonly Created: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: {
    readonly Status: 'running' | 'exited';
    readonly Running: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
  };
  readonly Image: string;
  readonly GraphDriver: {
    readonly Data: {
      readonly LowerDir: string;
      readonly MergedDir?: string;
      readonly UpperDir: string;
      readonly WorkDir?: string;
      readonly MountOptions: 'userxattr';
    };
    readonly Name: 'overlay2';
  };
}

/** An image, or a container of `tbuild run`. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function inspect(store: Store, name: string): Promise<ImageInspection | ContainerInspection> {
  const container = await findContainer(store, name);
  return container === undefined ? inspectImage(store, name) : inspectContainer(store, container);
}

async function inspectContainer(store: Store, container: ContainerRecord): Promise<ContainerInspection> {
  const { id, started, argv, image, pid, directory, exitCode } = container;
  const [path = '', ...args] = argv;
  const { GraphDriver } = await inspectImage(store, image);
  const lower = [GraphDriver.Data.UpperDir, GraphDriver.Data.LowerDir].filter((each) => each !== undefined).join(':');
  const isRunning = pid !== undefined && exitCode === undefined;
  return {
    Id: id,
    Created: started,
    Path: path,
    Args: args,
    State: {
      Status: isRunning ? 'running' : 'exited',
      Running: isRunning,
      Pid: isRunning ? pid : 0,
      ExitCode: exitCode ?? 0,
    },
    Image: image,
    GraphDriver: {
      Data: {
        LowerDir: lower,
        // The merge exists in the sandbox's own mount namespace only: this is where it can be seen from outside.
        ...(isRunning ? { MergedDir: `/proc/${pid}/root` } : {}),
        UpperDir: join(directory, 'diff'),
        ...(isRunning ? { WorkDir: join(directory, 'work') } : {}),
        MountOptions: 'userxattr',
      },
      Name: 'overlay2',
    },
  };
}
