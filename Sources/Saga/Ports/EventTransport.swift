package import CloudEvents

/// How one participant hears of events: streams that keep them, each with a group in which the
/// participant's replicas share the entries.
///
///     read ──▶ held by this replica ──acknowledge──▶ dealt with
///       │             │                          ▲
///       │             ▼                          │
///       │      its name is borne no more ──▶ takeOver, by any replica
///       ▼                                        │
///     too much, or lost on the way ──▶ pending ◀─┘ ──▶ fetch ──▶ held by this replica
///
/// - An entry is delivered to one replica, and again until somebody acknowledges it: at least
///   once, in the order of its stream unless it comes again. Between streams there is no order.
/// - A name is borne by one process, for as long as that says so. What it holds is found by its
///   name after a restart, and by others when nobody bears it.
/// - A read brings no more than a replica is willing to take in at once. What is larger alone is
///   known by its ID, and never without it.
/// - Nothing is lost when a group vanishes: it begins again before everything that may not have
///   been dealt with.
/// - A doorbell says that there may be something to read. It may be lost, or ring for nothing.
///
/// Streams are known by their positions in `streams`.
package protocol EventTransport: Sendable {
    /// Every stream that the participant consumes; those of one owner lie next to each other.
    var streams: [ConsumedStream] { get }

    /// Where the engine's tasks run best; nil for anywhere.
    var executor: (any TaskExecutor)? { get }

    /// Where entries are best read and decoded; nil for where the other tasks run.
    var readingExecutor: (any TaskExecutor)? { get }

    /// What a person finds the stream of one of the participant's own types by.
    func name(ofOwn type: String) -> String

    /// When the store took an entry, in milliseconds since 1970 by its own clock; nil if the ID
    /// does not say.
    func time(ofEntry id: String) -> Int64?

    /// The present epoch.
    func epoch() -> StoreEpoch

    /// Asks whether the data is still that of the present epoch.
    func checkEpoch() async

    /// Whether a person has said that nothing is to be read, as before a deployment; nil if that
    /// cannot be told now.
    func isPaused() async -> Bool?

    /// The name under which this replica reads.
    var consumer: String { get }

    /// Bears a name from now on, for a while, unless another process does.
    ///
    /// - Parameter token: what tells this process from all others.
    func claim(
        _ name: String, _ token: String, for life: Duration
    ) async throws(SagaError) -> Bool

    /// Bears its name for a while longer; false if it does not bear it any more.
    func renew(_ token: String, for life: Duration) async throws(SagaError) -> Bool

    /// Bears its name no more.
    func release(_ token: String) async throws(SagaError)

    /// Keeps a note under this replica's name, which outlives it; "" for none.
    ///
    /// - Parameter token: what tells this process from all others.
    /// - Returns: false, with nothing done, if it does not bear its name any more.
    func mark(_ text: String, _ token: String) async throws(SagaError) -> Bool

    /// The note under a replica's name; "" if there is none.
    func mark(of name: String) async throws(SagaError) -> String

    /// Takes away the note under a name and leaves another under this replica's, in one step.
    ///
    /// - Returns: false, with nothing done, if it is not the expected one, or this process does
    ///   not bear its name any more.
    func takeMark(
        of name: String, holding text: String, leaving own: String, _ token: String
    ) async throws(SagaError) -> Bool

    /// All other replicas that there have been, with what they hold.
    func consumers() async throws(SagaError) -> [ConsumerSighting]

    /// Makes what is missing before the first read.
    ///
    /// - Throws: `invalidConfiguration` if this store can never be used; else it is tried again.
    func prepare() async throws(SagaError)

    /// Takes what nobody had yet: up to `count` entries of each stream, without waiting for any.
    ///
    /// - Throws: `tooLarge` if that is more than may be read at once, or takes too long: what was
    ///   taken is pending, and fewer may work. Whatever else is thrown, some may be pending too.
    func read(
        _ streams: [Int], count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Reading

    /// The IDs of what this replica has taken and not acknowledged, in order, behind one; "0" for
    /// the first. Their size does not matter.
    ///
    /// - Parameter idle: only what nobody has touched for this long.
    func pending(
        _ stream: Int, after: String, idle: Duration, count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> [String]

    /// Brings what this replica has taken and not acknowledged, which counts as a delivery.
    ///
    /// As many as the bytes allow, in the order asked for, but at least one; the reading's last
    /// entry says how far it came. What is another replica's by now is passed over. An entry that
    /// is larger than one may be comes as unreadable: its ID, its size, its saga.
    ///
    /// - Throws: `tooLarge` if it takes too long; fewer may work.
    func fetch(
        _ stream: Int, _ ids: [String], _ portion: ReadPlan.Portion, in epoch: StoreEpoch
    ) async throws(SagaError) -> Reading

    /// Takes part in the recovery from a read that failed.
    ///
    /// - Returns: whether what was wrong is mended, so that nobody need pause.
    func recover(
        from error: SagaError, of owner: String, _ streams: [Int], failures: Int
    ) async -> Bool

    /// How far a participant's group has come in a stream that this one consumes, or owns.
    ///
    /// As it was within the last second, so that any number may ask.
    ///
    /// - Throws: `unavailable` if there is no such group, or it cannot be looked up now.
    func progress(
        of participant: String, in kind: EventKind
    ) async throws(SagaError) -> GroupProgress

    /// Lets entries be dealt with; one error for each batch, nil where it worked.
    func acknowledge(_ batches: [EntryBatch], in epoch: StoreEpoch) async -> [SagaError?]

    /// Touches entries that this replica holds, without counting it as a delivery: replicas of
    /// versions without names go by that.
    func renew(_ batch: EntryBatch, in epoch: StoreEpoch) async throws(SagaError)

    /// Makes up to `count` entries of another replica pending for this one.
    ///
    /// - Parameter idle: only what nobody has touched for this long.
    func takeOver(
        _ stream: Int, from consumer: String, idle: Duration, count: Int, in epoch: StoreEpoch
    ) async throws(SagaError) -> Takeover

    /// What has to be done now and then: positions kept, what is old dropped.
    ///
    /// One faulty stream stops nobody else: it is told in the report.
    ///
    /// - Throws: what concerns all of them.
    func keepHouse() async throws(SagaError) -> HousekeepingReport

    /// Calls `ring` for each doorbell of some streams, and when some may have been lost, until
    /// that breaks off or the task is cancelled.
    func listen(to streams: [Int], ring: @escaping @Sendable () -> Void) async

    /// Calls `hear` for each event of the participant's own types, as `listen(to:ring:)`.
    func listen(
        toOwn types: [String], hear: @escaping @Sendable (Announcement) -> Void
    ) async
}

/// Entries of one stream.
package struct EntryBatch: Sendable {
    package var stream: Int
    package var ids: [String]

    package init(stream: Int, ids: [String]) {
        self.stream = stream
        self.ids = ids
    }
}

/// What a read brought.
package struct Reading: Sendable {
    package var entries: [HeldEntry] = []
    /// The last entry that was looked at, of each stream that had some.
    package var last: [Int: String] = [:]
    /// Entries that were taken once, and deleted before they were dealt with.
    package var gone: [EntryBatch] = []

    package init() {}
}

/// What a takeover brought.
package struct Takeover: Sendable {
    package var count = 0
    /// How many entries were deleted before they were dealt with.
    package var goneCount = 0

    package init() {}
}

/// What came over the channels of a participant's own events.
package enum Announcement: Sendable {
    /// From here on nothing is missed; before, something may have been.
    case active
    /// An event of a type, which is read only if somebody wants it.
    case event(type: String, read: @Sendable () -> CloudEvent?)
}
