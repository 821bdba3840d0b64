import CloudEvents
import OrderContracts
import Saga
import ShippingService
import Timekeeping

/// A carrier in memory that does not go to Antarctica and keeps books.
actor BookkeepingCarrier: Carrier {
    private var arranged: [String: Parcel] = [:]
    private var cancelled: Set<String> = []
    private var dispatched: Set<String> = []
    private var voided: Set<String> = []
    private var made: [String: Int64] = [:]

    /// How often it was asked for a booking, whatever it made of it.
    private(set) var bookingCallCount = 0

    /// How often somebody has looked into its books from the beginning.
    private(set) var lookCount = 0

    /// Closed, it holds back answers to what was done already.
    nonisolated let gate = Gate()

    /// Bookings that are neither cancelled nor dispatched.
    var openCount: Int { arranged.count - cancelled.count - dispatched.count }

    /// Pieces on their way.
    var dispatchedPieces: Int {
        dispatched.reduce(0) { $0 + (arranged[$1]?.quantity ?? 0) }
    }

    /// How many bookings were taken back.
    var cancelledCount: Int { cancelled.count }

    func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure> {
        bookingCallCount += 1
        guard parcel.address.country != "AQ" else {
            return .failure(BusinessFailure(FailureReason.countryNotServed, "not to AQ"))
        }
        guard !voided.contains(key) else {
            return .failure(BusinessFailure("shipment_voided", "cancelled before it was booked"))
        }
        arranged[key] = parcel
        made[key] = made[key] ?? SystemTime.milliseconds()
        await gate.pass()
        return .success(Shipment(id: "sh_\(key)", trackingNumber: "T\(arranged.count)"))
    }

    func cancel(shipmentKey: String, key: String) async throws(ShippingError) -> Cancellation {
        guard !dispatched.contains(shipmentKey) else {
            throw ShippingError(.unavailable, "already on its way")
        }
        guard arranged[shipmentKey] != nil else {
            voided.insert(shipmentKey)
            return .nothingArranged
        }
        cancelled.insert(shipmentKey)
        return .cancelled
    }

    func dispatch(shipmentKey: String, key: String) async throws(ShippingError) -> Dispatch {
        guard arranged[shipmentKey] != nil, !cancelled.contains(shipmentKey) else {
            throw ShippingError(.unavailable, "nothing to dispatch")
        }
        dispatched.insert(shipmentKey)
        return Dispatch(id: "di_\(key)")
    }

    func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        lookCount += 1
        return OutsidePage(arranged.keys.compactMap { entry($0) }.sorted { $0.made < $1.made })
    }

    func entry(under key: String) async throws -> OutsideEntry? { entry(key) }

    private func entry(_ key: String) -> OutsideEntry? {
        made[key].map {
            OutsideEntry(
                key: key, made: $0,
                standing: cancelled.contains(key)
                    ? .undone : dispatched.contains(key) ? .final : .standing)
        }
    }

    /// Makes everything in its books so much older.
    func age(by milliseconds: Int64) { made = made.mapValues { $0 - milliseconds } }
}
