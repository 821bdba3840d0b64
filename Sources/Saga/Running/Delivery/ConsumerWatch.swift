/// Judges who of a service's replicas is dead, and what may be taken of whom; pure.
///
///     a replica:   never seen alive ──its key is there──▶ alive ──its key is gone──▶ dead
///                        │                                  ▲                        │
///                        │                                  └──its key is there──────┘
///                        ▼                                                           ▼
///                  takes what is idle for a lease:                       takes what nobody has
///                  it may be of a version without keys                   touched for a second
///
///     this one:    watches for a key's whole life ──▶ judges
///                        ▲                              │
///                        └── another epoch, or a gap of its own: keys may be gone for that
///
/// Keys of all go with the store, and come back one by one: so who has not watched for as long as
/// a key lives knows of nobody that he is dead.
struct ConsumerWatch {
    /// What is younger may have been taken over by somebody else just now.
    static let idleMinimum: Duration = .seconds(1)

    /// What may be taken over of whom.
    struct Verdict: Hashable {
        var name: String
        /// For how long nobody may have touched it.
        var idle: Duration
    }

    private let life: Duration
    private let lease: Duration
    private let gapMaximum: Duration
    /// Those of the present ones that were seen alive.
    private var known: Set<String> = []
    private var latest: (time: ContinuousClock.Instant, epoch: StoreEpoch)?
    private var since: ContinuousClock.Instant?

    /// - Parameters:
    ///   - life: how long a key lives without a heartbeat.
    ///   - lease: what those without keys renew.
    init(life: Duration, lease: Duration) {
        self.life = life
        self.lease = lease
        gapMaximum = life * 2 / 5
    }

    /// The store has answered this replica's own heartbeat.
    mutating func beat(at now: ContinuousClock.Instant, in epoch: StoreEpoch) {
        let goesOn = latest.map { $0.epoch == epoch && now - $0.time <= gapMaximum } ?? false
        if !goesOn { since = now }
        latest = (now, epoch)
    }

    /// Whether the dead can be told from those whose keys are not there again yet.
    func mayJudge(at now: ContinuousClock.Instant) -> Bool {
        guard let since, let latest, now - latest.time <= gapMaximum else { return false }
        return now - since >= life
    }

    /// Looks at all the others, and judges if that may be done.
    mutating func saw(
        _ sightings: [ConsumerSighting], at now: ContinuousClock.Instant
    ) -> [Verdict] {
        let names = Set(sightings.map(\.name))
        known.formIntersection(names)
        for sighting in sightings where sighting.isAlive { known.insert(sighting.name) }
        guard mayJudge(at: now) else { return [] }
        return sightings.filter { !$0.isAlive && !$0.pending.isEmpty }.map {
            let idle = known.contains($0.name) ? min(Self.idleMinimum, lease) : lease
            return Verdict(name: $0.name, idle: idle)
        }
    }

    /// Whether somebody may be at work who goes by leases, so that what is held here has to be
    /// renewed.
    func expectsRenewal(among sightings: [ConsumerSighting]) -> Bool {
        sightings.contains {
            !$0.isAlive && !known.contains($0.name) && $0.idle < lease * 2
        }
    }
}
