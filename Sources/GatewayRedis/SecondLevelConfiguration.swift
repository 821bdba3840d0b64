/// The settings of a second level on Redis.
package struct SecondLevelConfiguration: Sendable {
    /// What stands before every key and channel.
    package var namespace: String
    /// How long a request waits for Redis before it goes on without.
    package var readTimeout: Duration = .milliseconds(150)
    /// How long a change waits until its generations are raised.
    package var writeTimeout: Duration = .seconds(1)
    /// No entry lives longer.
    package var longestLifetime: Duration = .seconds(3_600)
    /// How long a generation lives that a fill begins, and how much longer than an entry one that
    /// guards it.
    ///
    /// A fill that takes longer stores nothing.
    var generationLifetime: Duration = .seconds(10)
    /// How long an event that has raised a generation is remembered.
    ///
    /// Told again after that, it costs a miss.
    var eventMemory: Duration = .seconds(10)
    /// Bytes of entries that this gateway has stored since it started and that have not ended, at
    /// most.
    ///
    /// What it stored before it was started anew is not counted and ends within
    /// `longestLifetime`; `maxmemory` of the Redis is what bounds all gateways and all starts.
    package var byteLimit = 256 << 20
    /// Generations that this gateway begins in the time that one lives, at most.
    package var generationLimit = 100_000

    /// The defaults, for one namespace.
    package init(namespace: String = "") {
        self.namespace = namespace
    }
}
