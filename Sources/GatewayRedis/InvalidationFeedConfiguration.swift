/// The settings of an invalidation feed.
package struct InvalidationFeedConfiguration: Sendable {
    /// What stands before every key and channel.
    package var namespace: String
    /// How often the feed sends itself a fence.
    package var heartbeat: Duration = .milliseconds(200)
    /// How old the last fence that came back may be, from its sending, for answers to be given
    /// from memory.
    ///
    /// A gateway that slept, was cut off or missed a message gives nothing older than that.
    package var silence: Duration = .seconds(1)
    /// After how many heartbeats the position in the streams is stored.
    package var beatsPerPosition = 25
    /// How often the rules are compared with what services declare, to warn of a slip.
    package var declarationInterval: Duration = .seconds(30)
    /// Events read again after an absence, at most; with more, all entries are made invalid.
    package var replayLimit = 10_000
    /// Bytes of them, at most; with more, all entries are made invalid.
    package var replayBytesMaximum = 256 * 1024 * 1024
    /// Bytes of an event that is read again, at most; what a larger one changed is told by the type
    /// and the saga that stand beside it, or else all entries are made invalid.
    package var eventBytesMaximum = 32 * 1024 * 1024
    /// Messages that may wait; with more, the streams are read instead.
    package var messageLimit = 16_384

    /// The defaults, for one namespace.
    package init(namespace: String = "") {
        self.namespace = namespace
    }
}

extension InvalidationFeedConfiguration {
    var replayLimits: StreamReplay.Limits {
        StreamReplay.Limits(
            events: replayLimit, bytes: replayBytesMaximum, eventBytes: eventBytesMaximum)
    }
}
