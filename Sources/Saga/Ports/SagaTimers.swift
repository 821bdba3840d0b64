/// The durable timers of one participant, which its transitions set and take back.
package protocol SagaTimers: Sendable {
    /// Turns timers that are due into events of the participant's own streams.
    ///
    /// Each becomes one event, once, whoever else fires them at the same time; it is gone only
    /// once its event stands. What is not a timer becomes a dead letter and is gone too.
    ///
    /// A store that has come back, perhaps with older data, first gives each timer its whole
    /// time again: sagas have to do again what was lost, and are not to be cancelled for it.
    func fireDue() async throws(SagaError) -> FiredTimers

    /// Counts timers, and events that the participant has ever emitted of some types.
    ///
    /// It costs about the same however many there are.
    func count(_ question: LoadQuestion) async throws(SagaError) -> LoadCount
}

/// What is counted to know how many sagas of a participant are under way.
package struct LoadQuestion: Hashable, Sendable {
    /// The type of event that begins a saga.
    package var begins: String
    /// Those that end one.
    package var ends: [String]
    /// The time that a saga has.
    package var deadline: Duration

    package init(begins: String, ends: [String], deadline: Duration) {
        self.begins = begins
        self.ends = ends
        self.deadline = deadline
    }
}

/// The counts.
package struct LoadCount: Hashable, Sendable {
    package var begun: Int
    package var ended: Int
    package var timers: Int
    /// Timers further away than the deadline.
    package var farTimers: Int

    package init(begun: Int, ended: Int, timers: Int, farTimers: Int) {
        self.begun = begun
        self.ended = ended
        self.timers = timers
        self.farTimers = farTimers
    }
}

/// What came of a look at the timers.
package struct FiredTimers: Sendable {
    /// Events of one type that went out.
    package struct Group: Sendable {
        package var type: String
        package var count: Int
        /// What the store said if it refused to ring for them.
        package var silence: String?

        package init(type: String, count: Int, silence: String? = nil) {
            self.type = type
            self.count = count
            self.silence = silence
        }
    }

    package var groups: [Group] = []
    /// Entries that were not timers, and are dead letters now.
    package var letters: [DeadLetter] = []
    /// How many timers are set, those that were due now counted.
    package var set = 0
    /// How long nothing else will be due, as far as is known; nil if nothing is set.
    package var rest: Duration?

    package init() {}
}
