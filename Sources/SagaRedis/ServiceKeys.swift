import Saga
import Synchronization

/// The keys of one service that every transition needs, put together as far as they can be.
final class ServiceKeys: Sendable {
    let service: String
    let names: SagaKeys
    let timers: String
    let naming: SagaNaming
    private let ledgerPrefix: String
    private let recordPrefix: String
    private let streams = Mutex<[String: (stream: String, channel: String)]>([:])

    init(_ names: SagaKeys, service: String, naming: SagaNaming) {
        self.naming = naming
        self.names = names
        self.service = service
        timers = names.timers(service)
        ledgerPrefix = names.ledger(named: "", by: naming, service: service)
        recordPrefix = names.record("", service: service)
    }

    func ledger(_ sagaID: String) -> String { ledgerPrefix + naming.encoded(sagaID) }

    func record(_ name: RecordName) -> String { recordPrefix + name.encoded }

    /// Where the service's own events of a type go; types are declared, so they are few.
    func outlet(_ type: String) -> (stream: String, channel: String) {
        streams.withLock { streams in
            if let known = streams[type] { return known }
            let outlet = (names.stream(type, owner: service), names.channel(type))
            streams[type] = outlet
            return outlet
        }
    }
}
