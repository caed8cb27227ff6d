// What to tell a person when the gateway misses a backend. Pure.

const WORDS = {
  bus: "Events may be late: the gateway waits for its event bus, and will fetch what it misses.",
  source: "Nothing new comes in: no relay is reading the platform's events. What happens meanwhile is shown later.",
};

export function staleWords(backends) {
  return [...backends].map((backend) => WORDS[backend] ?? `Events may be late: ${backend} is away.`).join(" ");
}
