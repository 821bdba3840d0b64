/// What one replica sees of another.
package struct ConsumerSighting: Hashable, Sendable {
    package var name: String
    /// Whether its name is borne by a process that lives.
    package var isAlive: Bool
    /// How long ago it last asked a stream for anything, as far as is known.
    package var idle: Duration
    /// Streams of which it has something.
    package var pending: Set<Int>

    package init(name: String, isAlive: Bool, idle: Duration, pending: Set<Int>) {
        self.name = name
        self.isAlive = isAlive
        self.idle = idle
        self.pending = pending
    }
}
