/** Most memory that this process ever held at one time, in whole MiB: the operating system's own high-water mark. */
export const peakRssMib = (): number => Math.floor(process.resourceUsage().maxRSS / 1024);

/** Memory that this process holds now, in whole MiB. */
export const rssMib = (): number => Math.floor(process.memoryUsage.rss() / 2 ** 20);
