import Timekeeping

/// The bounds of a gateway's cache.
public struct CacheConfiguration: Sendable {
    /// Answers kept in the process, at most.
    public var entryLimit = 20_000
    /// Bytes kept in the process, at most, an estimate of the overhead included.
    public var byteLimit = 64 << 20
    /// Ways to the upstream that requests may share, at one time.
    public var flightLimit = 4_096
    /// Requests waiting for others' ways to the upstream, at one time.
    ///
    /// One waits in memory only, so this bounds memory, not work.
    public var waiterLimit = 65_536
    /// A way to the upstream that takes longer is not joined any more.
    public var flightAge: Duration = .seconds(10)
    /// The same while events may be missed: a change would not keep requests from joining.
    public var blindFlightAge: Duration = .seconds(1)
    /// How long a key whose answer may not be shared is remembered, so that its requests do not
    /// queue behind one another.
    public var loneKeyAge: Duration = .seconds(10)
    /// Changes the second level has not heard of; with more, all its entries are made invalid.
    public var pendingRaiseLimit = 20_000
    /// Tags remembered because answers told of them; with more, they are learned again.
    public var learnedTagLimit = 32_768
    /// Whether nothing is kept until an invalidation feed calls `resume`.
    public var startsSuspended = false

    /// The monotonic clock; tests bring their own.
    package var clock: @Sendable () -> Moment = { Moment.now() }
    /// Seconds since 1970, for dates.
    package var wallClock: @Sendable () -> Int64 = { SystemTime.seconds() }

    /// The defaults: 20,000 answers or 64 MiB, used at once.
    public init() {}
}

/// The cache's answer to one request.
package struct CacheAnswer: Sendable {
    /// The answer to send.
    package var response: StoredResponse
    /// How it came about.
    package var status: CacheStatus

    /// An answer and how it came about.
    package init(response: StoredResponse, status: CacheStatus) {
        self.response = response
        self.status = status
    }
}

/// More requests wait for fills than the configuration allows; the client should come again.
package struct CacheOverload: Error, Sendable {}
