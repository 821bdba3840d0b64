import OrderContracts
public import Saga
public import ServiceHTTP

/// The carrier over HTTP, as the sandbox plays it.
///
///     POST /shipments      {reference, productId, quantity, address}   201 | 422 code | 409 | 5xx
///     POST /cancellations  {shipmentKey}   201 {status: cancelled | nothing_to_cancel}
///     POST /dispatches     {shipmentKey}   201
public struct HTTPCarrier: Carrier {
    private let client: JSONClient

    /// The carrier behind the client's base address.
    public init(_ client: JSONClient) {
        self.client = client
    }

    /// Books; any answer in the 400s is a refusal, unless it asks to come back later.
    public func arrange(
        _ parcel: Parcel, key: String
    ) async throws(ShippingError) -> Result<Shipment, BusinessFailure> {
        let answer = try await post("/shipments", ShipmentRequest(parcel), key: key)
        switch answer.status {
        case 200...299:
            let shipment = try decode(ShipmentAnswer.self, from: answer)
            return .success(Shipment(id: shipment.id, trackingNumber: shipment.trackingNumber))
        case 408, 425, 429:
            throw ShippingError(.unavailable, "the carrier answered \(answer.status)")
        case 400...499: return .failure(answer.refusal)
        default:
            throw ShippingError(.unavailable, "the carrier answered \(answer.status)")
        }
    }

    /// Takes a booking back.
    ///
    /// There is no refusal here: anything but success has to be tried again.
    public func cancel(
        shipmentKey: String, key: String
    ) async throws(ShippingError) -> Cancellation {
        let answer = try await insist(
            "/cancellations", ShipmentKeyRequest(shipmentKey: shipmentKey), key: key)
        let status = try decode(CancellationAnswer.self, from: answer).status
        return status == "cancelled" ? .cancelled : .nothingArranged
    }

    /// Sends it off.
    ///
    /// There is no refusal here either: past the pivot there is only forward.
    public func dispatch(
        shipmentKey: String, key: String
    ) async throws(ShippingError) -> Dispatch {
        let answer = try await insist(
            "/dispatches", ShipmentKeyRequest(shipmentKey: shipmentKey), key: key)
        return Dispatch(id: try decode(DispatchAnswer.self, from: answer).id)
    }

    private func insist(
        _ path: String, _ body: some Encodable & Sendable, key: String
    ) async throws(ShippingError) -> JSONAnswer {
        let answer = try await post(path, body, key: key)
        guard (200...299).contains(answer.status) else {
            throw ShippingError(.unavailable, "the carrier answered \(answer.status)")
        }
        return answer
    }

    private func post(
        _ path: String, _ body: some Encodable & Sendable, key: String
    ) async throws(ShippingError) -> JSONAnswer {
        do {
            return try await client.post(path, body, idempotencyKey: key)
        } catch {
            throw ShippingError(.unavailable, "the carrier does not answer", cause: error)
        }
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, from answer: JSONAnswer
    ) throws(ShippingError) -> Value {
        do {
            return try answer.decode(type)
        } catch {
            throw ShippingError(.unavailable, "the carrier's answer is unreadable", cause: error)
        }
    }
}

extension JSONAnswer {
    /// Why the carrier does not come: its own reason, or ours if it finds the request at fault.
    fileprivate var refusal: BusinessFailure {
        let problem = problem
        let reason = status == 400 ? nil : problem?.code
        return BusinessFailure(
            reason ?? FailureReason.shipmentRefused,
            problem?.detail ?? "the carrier refused the shipment")
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

private struct ShipmentAnswer: Decodable {
    var id: String
    var trackingNumber: String
}

private struct ShipmentKeyRequest: Encodable, Sendable {
    var shipmentKey: String
}

private struct CancellationAnswer: Decodable {
    var status: String
}

private struct DispatchAnswer: Decodable {
    var id: String
}
