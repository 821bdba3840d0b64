import OrderContracts
public import Saga
import SagaHTTP
public import ServiceHTTP

/// The carrier over HTTP, as the sandbox plays it.
///
///     POST /shipments      {reference, productId, quantity, address}
///                          201 | 422 country_not_served
///     POST /cancellations  {shipmentKey}   201 {status: cancelled | nothing_to_cancel}
///     POST /dispatches     {shipmentKey}   201 {status: dispatched}
///     GET  /shipments, /shipments/<key>    its books
///
/// Any other answer is an accident, and so is any other 422, as one about the key: it says nothing
/// of what an earlier call did.
public struct HTTPCarrier: Carrier {
    private static let refusals: Set<DocumentedRefusal> = [
        .status(422, codes: ["country_not_served"])
    ]

    private let client: JSONClient
    private let books: HTTPBooks

    /// The carrier behind the client's base address.
    public init(_ client: JSONClient) {
        self.client = client
        books = HTTPBooks(client, "/shipments")
    }

    /// The bookings in its books.
    public func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        try await books.entries(after: cursor, since: time)
    }

    /// One of them.
    public func entry(under key: String) async throws -> OutsideEntry? {
        try await books.entry(under: key)
    }

    /// Books; what the carrier refuses is a business failure.
    public func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure> {
        let submission = try await translated { () async throws(CallError) in
            try await client.submit(
                "/shipments", ShipmentRequest(parcel), idempotencyKey: key,
                refusals: Self.refusals, for: ShipmentAnswer.self)
        }
        switch submission {
        case .accepted(let answer):
            return .success(Shipment(id: answer.id, trackingNumber: answer.trackingNumber))
        case .refused(let refusal):
            return .failure(
                BusinessFailure(
                    refusal.reason ?? FailureReason.shipmentRefused,
                    refusal.detail ?? "The carrier refused the shipment."))
        }
    }

    /// Takes a booking back.
    ///
    /// There is no refusal here: anything but success has to be tried again.
    public func cancel(
        shipmentKey: String, key: String
    ) async throws(ShippingError) -> Cancellation {
        let answer = try await translated { () async throws(CallError) in
            try await client.insist(
                "/cancellations", ShipmentKeyRequest(shipmentKey: shipmentKey),
                idempotencyKey: key, for: CancellationAnswer.self)
        }
        return answer.status == .cancelled ? .cancelled : .nothingArranged
    }

    /// Sends it off.
    ///
    /// There is no refusal here either: past the pivot there is only forward.
    public func dispatch(
        shipmentKey: String, key: String
    ) async throws(ShippingError) -> Dispatch {
        let answer = try await translated { () async throws(CallError) in
            try await client.insist(
                "/dispatches", ShipmentKeyRequest(shipmentKey: shipmentKey), idempotencyKey: key,
                for: DispatchAnswer.self)
        }
        return Dispatch(id: answer.id)
    }

    private func translated<Value>(
        _ call: () async throws(CallError) -> Value
    ) async throws(ShippingError) -> Value {
        do {
            return try await call()
        } catch {
            if error.code == .notSent {
                throw ShippingError(
                    .unreachable, "The carrier could not be reached: \(error.message).",
                    cause: error)
            }
            throw ShippingError(
                .unavailable, "The carrier did not say whether it was done: \(error.message).",
                cause: error)
        }
    }
}

private struct ShipmentRequest: Encodable, Sendable {
    var reference: String
    var productId: String
    var quantity: Int
    var address: ShippingAddress

    init(_ parcel: Parcel) {
        reference = parcel.reference.text
        productId = parcel.productID.text
        quantity = parcel.quantity
        address = parcel.address
    }
}

// An answer that accepts and says anything but these words is an accident too: a cancellation
// that is `pending` has taken nothing back.

private struct ShipmentAnswer: Decodable {
    enum Status: String, Decodable { case arranged }

    var id: String
    var status: Status
    var trackingNumber: String
}

private struct ShipmentKeyRequest: Encodable, Sendable {
    var shipmentKey: String
}

private struct CancellationAnswer: Decodable {
    enum Status: String, Decodable {
        case cancelled
        case nothingToCancel = "nothing_to_cancel"
    }

    var status: Status
}

private struct DispatchAnswer: Decodable {
    enum Status: String, Decodable { case dispatched }

    var id: String
    var status: Status
}
