/**
 * Tasks on threads, which can be ended whatever they do: a task that takes too long or too much memory ends
 * its thread, and the others that ran there are done again, one at a time on a thread of their own, so that
 * only the one that does it again is given up.
 *
 * @module
 */

import type { Thread, Threads } from "../../scan/schedule/threads.ts";
import type { Runner } from "./dispatch.ts";
import type { EngineSetup, Lookup } from "./engine.ts";
import type { TaskOrder, TaskReport, TaskThreadStart } from "./messages.ts";
import type { Failure } from "./failure.ts";
import { failedResult, type Result } from "./result.ts";
import type { Task } from "./task.ts";

/** Milliseconds that a task has, after its time, to say so itself. */
const GRACE_MILLISECONDS = 5000;

/** Milliseconds in which a thread must start; on a busy machine it takes some seconds. */
const START_MILLISECONDS = 60_000;

/** Milliseconds that tasks have to end once they are stopped. */
const STOP_MILLISECONDS = 2000;

/** A task on its way. */
interface Job {
  readonly task: Task;
  readonly done: (result: Result) => void;
  /** True once its thread has ended under it. */
  suspect: boolean;
}

/** How tasks are spread over threads. */
interface TaskThreadsOptions {
  readonly threads: Threads;
  readonly setup: EngineSetup;
  /** Threads at a time. */
  readonly count: number;
  /** Milliseconds after the time of a task until its thread is ended. */
  readonly grace?: number;
  readonly lookup: Lookup;
  /** Megabytes of values that a thread may have; no limit of its own unless given. */
  readonly megabytes?: number | undefined;
}

/** Threads that do tasks. */
export class TaskThreads implements Runner {
  readonly #options: TaskThreadsOptions;
  readonly #running = new Set<TaskThread>();
  /** Tasks that are done one at a time. */
  readonly #suspects: Job[] = [];
  #alone: TaskThread | undefined;
  /** Threads that end with the tasks that they have. */
  readonly #retired = new Set<TaskThread>();
  #stopping = false;
  #last: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TaskThreadsOptions) {
    this.#options = options;
  }

  /** Starts a thread, so that the first task need not wait for it. */
  warm(): void {
    this.#free();
  }

  async run(task: Task): Promise<Result> {
    return await new Promise((done) => {
      const job: Job = {
        task,
        suspect: false,
        done: (result) => {
          // What brought a decoder down may have been a task before: nothing else is done on that thread.
          if (result.error?.reason !== "defect" || this.#stopping) return done(result);
          this.#retire(job);
          this.#suspects.push({ task, done, suspect: true });
          this.#nextSuspect();
        },
      };
      const thread = this.#free();
      if (thread === undefined) done(failed(job, "defect", "No thread could be started"));
      else thread.start(job);
    });
  }

  /** Ends all tasks early; they are given back. */
  stop(): void {
    this.#stopping = true;
    for (const it of this.#all()) it.stop();
    for (const job of this.#suspects.splice(0)) {
      job.done(failed(job, "stopped", "The worker was stopped"));
    }
    this.#last = setTimeout(() => {
      for (const it of this.#all()) it.abandon();
    }, STOP_MILLISECONDS);
  }

  /** Terminates all threads. */
  close(): void {
    clearTimeout(this.#last);
    for (const it of this.#all()) it.terminate();
    this.#running.clear();
  }

  #all(): readonly TaskThread[] {
    const alone = this.#alone === undefined ? [] : [this.#alone];
    return [...this.#running, ...this.#retired, ...alone];
  }

  /** Gives a thread no further task. */
  #retire(job: Job): void {
    for (const thread of this.#running) {
      if (!thread.has(job)) continue;
      this.#running.delete(thread);
      this.#retired.add(thread);
      thread.whenIdle(() => {
        this.#retired.delete(thread);
        thread.terminate();
      });
    }
  }

  /** The thread with the fewest tasks, or a new one. */
  #free(): TaskThread | undefined {
    const least = [...this.#running].sort((a, b) => a.count - b.count)[0];
    if (least !== undefined && (least.count === 0 || this.#running.size >= this.#options.count)) {
      return least;
    }
    const thread = this.#startThread((jobs, why) => {
      this.#running.delete(thread as TaskThread);
      this.#suspect(jobs, why);
    });
    if (thread !== undefined) this.#running.add(thread);
    return thread ?? least;
  }

  #startThread(ended: (jobs: readonly Job[], why: string) => void): TaskThread | undefined {
    try {
      return new TaskThread(this.#options, ended);
    } catch {
      return undefined;
    }
  }

  /** Tasks whose thread has ended: one of them is why. */
  #suspect(jobs: readonly Job[], why: string): void {
    for (const job of jobs) {
      if (this.#stopping) job.done(failed(job, "stopped", "The worker was stopped"));
      else if (job.suspect) job.done(this.#givenUp(job, why));
      else this.#suspects.push({ ...job, suspect: true });
    }
    this.#nextSuspect();
  }

  #nextSuspect(): void {
    if (this.#alone !== undefined) return;
    const job = this.#suspects.shift();
    if (job === undefined) return;
    const thread = this.#startThread((jobs, why) => {
      this.#alone = undefined;
      this.#suspect(jobs, why);
    });
    if (thread === undefined) return job.done(failed(job, "defect", "No thread could be started"));
    this.#alone = thread;
    const done = (result: Result): void => {
      job.done(result);
      thread.terminate();
      this.#alone = undefined;
      this.#nextSuspect();
    };
    thread.start({ ...job, done });
  }

  #givenUp(job: Job, why: string): Result {
    const { milliseconds } = this.#options.setup;
    if (why === OVERDUE) {
      return failed(job, "time", `The task did not end in ${milliseconds / 1000} s`);
    }
    // A runtime that ends a thread for its memory says no more than the exit code.
    const memory = why === "exit code 1" || /memory/iu.test(why);
    return memory
      ? failed(job, "memory", "The task takes more memory than a thread may have")
      : failed(job, "defect", `The thread of the task ended: ${why}`);
  }
}

function failed({ task }: Pick<Job, "task">, reason: Failure["reason"], message: string): Result {
  const again = reason === "stopped";
  return failedResult({ id: task.id }, {
    class: again ? "retry" : "final",
    reason,
    message,
    after: null,
  });
}

/** Why a thread was ended whose task took too long. */
const OVERDUE = "overdue";

/** One thread and the tasks on it. */
class TaskThread {
  readonly #thread: Thread;
  readonly #jobs = new Map<number, { job: Job; timer: ReturnType<typeof setTimeout> }>();
  readonly #ended: (jobs: readonly Job[], why: string) => void;
  readonly #options: TaskThreadsOptions;
  #index = 0;
  #over = false;
  #idle: (() => void) | undefined;
  /** Orders for a thread that does not listen yet. */
  #waiting: TaskOrder[] | undefined = [];
  readonly #starting: ReturnType<typeof setTimeout>;

  constructor(options: TaskThreadsOptions, ended: (jobs: readonly Job[], why: string) => void) {
    this.#options = options;
    this.#ended = ended;
    const start: TaskThreadStart = { tasks: true, setup: options.setup };
    this.#thread = options.threads.start(start, {
      message: (data) => this.#receive(data as TaskReport),
      ended: (reason) => this.#end(reason),
    }, options.megabytes);
    this.#starting = setTimeout(() => this.#end("it did not start"), START_MILLISECONDS);
  }

  get count(): number {
    return this.#jobs.size;
  }

  /** True for a task that is on it. */
  has(job: Job): boolean {
    return [...this.#jobs.values()].some((it) => it.job === job);
  }

  /** Calls back once the last of its tasks has ended. */
  whenIdle(callback: () => void): void {
    this.#idle = callback;
  }

  start(job: Job): void {
    const index = ++this.#index;
    const { setup, grace = GRACE_MILLISECONDS } = this.#options;
    const timer = setTimeout(
      () => this.#end(OVERDUE),
      Math.min(setup.milliseconds + grace, 2 ** 31 - 1),
    );
    this.#jobs.set(index, { job, timer });
    this.#post({ type: "task", index, task: job.task });
  }

  stop(): void {
    this.#post({ type: "stop" });
  }

  /** Ends the thread, whose tasks are given back. */
  abandon(): void {
    this.#end("stopped");
  }

  terminate(): void {
    this.#over = true;
    clearTimeout(this.#starting);
    for (const { timer } of this.#jobs.values()) clearTimeout(timer);
    this.#thread.terminate();
  }

  /** What is sent before the thread listens may be lost. */
  #post(order: TaskOrder): void {
    if (this.#waiting === undefined) this.#thread.post(order);
    else this.#waiting.push(order);
  }

  #receive(report: TaskReport): void {
    if (report.type === "failed") return this.#end(report.reason);
    if (report.type === "find") {
      const { index, key, siblingsKey } = report;
      void this.#options.lookup(key, siblingsKey).then((line) => {
        if (!this.#over) this.#post({ type: "found", index, line });
      });
      return;
    }
    if (report.type === "ready") {
      const orders = this.#waiting ?? [];
      this.#waiting = undefined;
      clearTimeout(this.#starting);
      for (const order of orders) this.#post(order);
      return;
    }
    const one = this.#jobs.get(report.index);
    if (one === undefined) return;
    clearTimeout(one.timer);
    one.job.done(report.result);
    this.#jobs.delete(report.index);
    if (this.#jobs.size === 0) this.#idle?.();
  }

  #end(why: string): void {
    if (this.#over) return;
    const jobs = [...this.#jobs.values()].map(({ job }) => job);
    this.terminate();
    this.#jobs.clear();
    this.#ended(jobs, why);
  }
}
